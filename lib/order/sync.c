/* SPDX-License-Identifier: ISC */
/* Bringing the index in line with the queue. */
#include "order/sync.h"

#include <errno.h>

#include "base/clock.h"
#include "order/inside.h"
#include "order/strays.h"
#include "postfix/spool/spool_read.h"

#define SHARE        16 /* of the rows that have a name, one in so many is looked at each time */
#define TURN         (60 * USEC_PER_SEC) /* as often as a timer comes by, the share is another */
#define SEND_TIMEOUT (30 * USEC_PER_SEC)
#define KEEP_TIMEOUT (5 * USEC_PER_SEC)
#define SLICES_MAX   8                 /* requests sent by one child */
#define ADD_BYTES    (REQUEST_MAX / 4) /* of records in one request, about */

struct syncing {
	struct sync *sync;
	struct order order; /* settings and postfix alone, for what lib/order shares */
	struct strays strays;
	struct request_row *drops;
	size_t drop_count;
	struct unknown unknown; /* complete, and not in the index */
	int64_t began;          /* wall microseconds */
};

/* ---- requests to the writer, which takes them between its batches */

/* Sends some, one after the other; adds the answer's value to *sum, which is the last request's. */
static int send_some(
    struct sync *sync, const struct bytes *requests, size_t count, uint64_t *sum, struct err *err)
{
	struct client_answer answer = {0};
	struct span spans[SLICES_MAX];
	int code;

	for (size_t n = 0; n < count; n++) {
		if (requests[n].failed)
			return err_sys(err, ENOMEM, "failed to tell the index");
		spans[n] = bytes_span(&requests[n]);
	}
	code =
	    client_send(sync->settings->index_directory, spans, count, SEND_TIMEOUT, &answer, err);
	if (code == 0 && answer.code < 0)
		code = err_set(err, answer.code, "%s",
		    answer.text.len ? answer.text.text : err_word(answer.code));
	if (code == 0) {
		*sum += answer.value;
		sync->by_daemon = answer.by_daemon;
	}
	client_answer_release(&answer);
	return code;
}

static int send_drops(struct syncing *s, struct err *err)
{
	struct bytes slices[SLICES_MAX] = {{0}};
	uint64_t ignored = 0;
	size_t sent = 0;
	int code = 0;

	while (code == 0 && sent < s->drop_count) {
		size_t used = 0, rows = 0;

		while (used < SLICES_MAX && sent + rows < s->drop_count) {
			size_t left = s->drop_count - sent - rows;
			size_t count = left < REQUEST_ROWS_MAX ? left : REQUEST_ROWS_MAX;

			request_drop(&slices[used++], s->drops + sent + rows, count);
			rows += count;
		}
		code = send_some(s->sync, slices, used, &ignored, err);
		if (code == 0)
			s->sync->dropped += rows;
		sent += rows;
	}
	for (size_t n = 0; n < SLICES_MAX; n++)
		bytes_release(&slices[n]);
	return code;
}

/* ---- what left */

static bool is_dropped(const struct syncing *s, size_t named)
{
	return s->strays.another[named] != 0;
}

/* Rows without a name whose file two looks could not find, and rows whose file is another message.
 */
static int find_drops(struct syncing *s, struct err *err)
{
	const struct join *join = &s->strays.join;
	struct queue_id *ids = calloc(join->nameless_count + 1, sizeof(*ids));
	struct proof *states = NULL;
	int code;

	s->drops = calloc(join->nameless_count + s->strays.another_count + 1, sizeof(*s->drops));
	if (!ids || !s->drops) {
		free(ids);
		return err_sys(err, ENOMEM, "failed to keep what left");
	}
	for (size_t n = 0; n < join->nameless_count; n++)
		ids[n] = join->nameless[n].queue_id;
	code = spool_states(s->order.postfix, ids, join->nameless_count, &states, err);
	for (size_t n = 0; code == 0 && n < join->nameless_count; n++)
		if (states[n].state == PROOF_GONE)
			s->drops[s->drop_count++] = join->nameless[n];
	for (size_t n = 0; code == 0 && n < join->named.count; n++)
		if (is_dropped(s, n)) {
			const struct candidate *c = &join->named.list[n];

			s->drops[s->drop_count++] =
			    (struct request_row){c->sequence, candidate_id(c)};
		}
	free(states);
	free(ids);
	return code;
}

static int drop(struct syncing *s, struct err *err)
{
	int code = find_drops(s, err);

	s->sync->replaced = s->strays.another_count;
	if (code == 0 && s->sync->dry_run)
		s->sync->dropped = s->drop_count;
	else if (code == 0)
		code = send_drops(s, err);
	return code;
}

/* ---- what the index does not know */

/* Files whose row was, or would be, dropped for naming another message are unknown like those
 * without a row. */
static int find_unknown(struct syncing *s, struct err *err)
{
	const struct strays *strays = &s->strays;
	const struct join *join = &strays->join;
	struct unknown replaced = {0}, *u = &s->unknown;
	struct tally counts = {0};
	int code;

	u->ids = calloc(join->unknown_count + strays->another_count + 1, sizeof(*u->ids));
	replaced.ids = calloc(strays->another_count + 1, sizeof(*replaced.ids));
	if (!u->ids || !replaced.ids) {
		free(replaced.ids);
		return err_sys(err, ENOMEM, "failed to keep what is not in the index");
	}
	for (size_t n = 0; n < join->unknown_count; n++)
		u->ids[u->count++] = strays->names[join->unknown[n]];
	for (size_t n = 0; n < join->named.count; n++)
		if (is_dropped(s, n))
			replaced.ids[replaced.count++] = candidate_id(&join->named.list[n]);
	code = order_keep_complete(&s->order, u, &counts, err);
	if (code == 0)
		code = order_keep_unknown(&s->order, u, err);
	if (code == 0)
		code = order_keep_complete(&s->order, &replaced, &counts, err);
	for (size_t n = 0; code == 0 && n < replaced.count; n++)
		u->ids[u->count++] = replaced.ids[n];
	free(replaced.ids);
	s->sync->unindexed = u->count;
	s->sync->unindexed_maildrop = counts.unindexed_maildrop;
	s->sync->unindexed_arriving = counts.unindexed_arriving;
	return code;
}

/* In a child: the record of one. */
static void put_record(void *arg, size_t n, const struct queue_message *m, struct bytes *out)
{
	struct bytes *record = arg;

	(void)n;
	bytes_clear(record);
	record_encode(&m->message, record);
	out->failed |= record->failed;
	bytes_put_blob(out, record->at, record->len);
}

/* Sends the records of one part in requests of bounded size. */
static int send_part(struct syncing *s, struct span part, struct err *err)
{
	struct reader r = reader_of(part.at, part.len);
	struct span *records = calloc(REQUEST_ROWS_MAX, sizeof(*records));
	struct bytes request = {0};
	int code = 0;

	if (!records)
		return err_sys(err, ENOMEM, "failed to add to the index");
	while (code == 0 && !reader_done(&r)) {
		size_t count = 0, size = 0;

		while (
		    count < REQUEST_ROWS_MAX && size < ADD_BYTES && !reader_done(&r) && !r.failed) {
			records[count] = reader_blob(&r);
			size += records[count++].len;
		}
		if (r.failed)
			code = err_set(err, ERR_CHILD, "the reader of queue files broke off");
		request_add(&request, records, count);
		if (code == 0)
			code = send_some(s->sync, &request, 1, &s->sync->added, err);
	}
	bytes_release(&request);
	free(records);
	return code;
}

static int add(struct syncing *s, struct err *err)
{
	size_t max = (size_t)s->sync->settings->max_recipients;
	struct bytes record = {0}; /* memory of the children's own */
	struct spool_reading reading = {0};
	int code;

	if (s->sync->dry_run) {
		s->sync->added = s->unknown.count;
		return 0;
	}
	code = spool_read(s->order.postfix, s->unknown.ids, s->unknown.count, max, put_record,
	    &record, &reading, err);
	s->sync->unreadable = reading.unreadable;
	for (unsigned n = 0; code == 0 && n < reading.used; n++)
		code = send_part(s, reading.parts[n], err);
	spool_reading_release(&reading);
	return code;
}

/*
 * The count is kept for those who do not want to wait for one of their own. Best effort: without it
 * they count.
 */
static void keep_count(const struct syncing *s)
{
	const struct sync *sync = s->sync;
	struct synced synced = {.time = s->began,
	    .unindexed = sync->unindexed > sync->added ? sync->unindexed - sync->added : 0,
	    .maildrop = sync->unindexed_maildrop,
	    .arriving = sync->unindexed_arriving};
	struct client_answer answer = {0};
	struct bytes request = {0};
	struct span span;

	request_synced(&request, &synced);
	span = bytes_span(&request);
	if (!request.failed)
		(void)!client_send(
		    sync->settings->index_directory, &span, 1, KEEP_TIMEOUT, &answer, NULL);
	client_answer_release(&answer);
	bytes_release(&request);
}

static int run(struct syncing *s, struct err *err)
{
	/*
	 * No row is too young: its message had its name in the queue before the row was made, so
	 * two looks in all queues tell the same of it as of an old one.
	 */
	struct join_task task = {
	    .share = s->sync->prove ? 1 : SHARE, .turn = (uint64_t)(clock_wall() / TURN)};
	int code = strays_find(&s->order, &task, &s->strays, err);

	if (code != 0)
		return code;
	s->sync->queued = s->strays.name_count;
	s->sync->rows = s->strays.join.rows;
	s->sync->damaged = s->strays.join.named.damaged;
	code = drop(s, err);
	if (code == 0)
		code = find_unknown(s, err);
	if (code == 0 && s->sync->add)
		code = add(s, err);
	if (code == 0 && !s->sync->dry_run)
		keep_count(s);
	return code;
}

int sync_run(struct sync *sync, struct err *err)
{
	struct syncing s = {.sync = sync,
	    .order = {.settings = sync->settings, .postfix = sync->postfix},
	    .began = clock_wall()};
	int code = run(&s, err);

	strays_release(&s.strays);
	free(s.drops);
	free(s.unknown.ids);
	return code;
}
