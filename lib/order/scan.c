/* SPDX-License-Identifier: ISC */
/*
 * Candidates from queue files. What a child hands over for each: u32 position, u32 matched, u32
 * limits, i64 user, u8 bounce, the record as a blob.
 */
#include "order/scan.h"

#include <errno.h>

#include "order/order.h"
#include "order/strays.h"
#include "postfix/spool/spool_read.h"

/* A file to be read. */
struct target {
	struct queue_id queue_id;
	uint64_t sequence; /* of its row; 0 = it has none, or none that is its own */
	bool notice_only;  /* it is in the index, which has selected it or not */
};

struct scan {
	struct scanned *list;
	size_t count;
	struct spool_reading reading; /* the records that messages view */
	uint64_t *replaced;           /* sequences in order */
	size_t replaced_count;
	unsigned limits;
	uint64_t unsure;
};

struct scanning {
	const struct order *order;
	struct strays strays;
	struct target *targets;
	struct queue_id *ids; /* of the targets */
	size_t count;
};

/* ---- in a child */

static bool matches_one(const struct pattern_set *set, const struct pattern_subject *subject)
{
	for (size_t n = 0; n < set->count; n++)
		if (pattern_match_subject(&set->list[n], subject) == 1)
			return true;
	return false;
}

/* A notice goes to the sender of what caused it: all its recipients are meant by the patterns. */
static bool is_meant_notice(const struct order *order, const struct queue_message *m)
{
	const struct selector *s = order->selector;

	if (!queue_message_is_notice(m, order->postfix->myhostname))
		return false;
	strlist_each (recipient, &m->message.recipients) {
		struct pattern_subject subject = pattern_subject_of(recipient);

		if (!matches_one(&s->author, &subject) && !matches_one(&s->sender, &subject))
			return false;
	}
	return true;
}

static void put_found(void *arg, size_t n, const struct queue_message *m, struct bytes *out)
{
	const struct scanning *s = arg;
	struct bytes record = {0};
	unsigned matched = 0, limits = 0;
	bool bounce = s->order->bounces && is_meant_notice(s->order, m);

	if (bounce)
		matched = MATCHED_OTHER;
	else if (s->order->scan && !s->targets[n].notice_only)
		matched = selector_nominate(s->order->selector, &m->message, &limits);
	if (!matched && !limits)
		return;
	record_encode(&m->message, &record);
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u32(out, matched);
	bytes_put_u32(out, limits);
	bytes_put_i64(out, m->user);
	bytes_put_u8(out, bounce);
	bytes_put_blob(out, record.at, record.len);
	out->failed |= record.failed;
	bytes_release(&record);
}

/* ---- what to read */

static void add_target(
    struct scanning *s, const struct queue_id *id, uint64_t sequence, bool notice_only)
{
	s->ids[s->count] = *id;
	s->targets[s->count++] =
	    (struct target){.queue_id = *id, .sequence = sequence, .notice_only = notice_only};
}

static int find_targets(struct scanning *s, struct scan *scan, struct err *err)
{
	const struct strays *strays = &s->strays;
	const struct join *join = &strays->join;
	size_t room = join->unknown_count + join->named.count + 1;

	s->targets = calloc(room, sizeof(*s->targets));
	s->ids = calloc(room, sizeof(*s->ids));
	scan->replaced = calloc(strays->another_count + 1, sizeof(*scan->replaced));
	if (!s->targets || !s->ids || !scan->replaced)
		return err_sys(err, ENOMEM, "failed to scan the queue");
	for (size_t n = 0; n < join->unknown_count; n++)
		add_target(s, &strays->names[join->unknown[n]], 0, false);
	for (size_t n = 0; n < join->named.count; n++) {
		const struct candidate *c = &join->named.list[n];
		struct queue_id id = candidate_id(c);

		if (strays->another[n]) {
			add_target(s, &id, 0, false);
			scan->replaced[scan->replaced_count++] = c->sequence;
		} else if (c->matched & JOIN_NOTICE) {
			add_target(s, &id, c->sequence, true);
		}
	}
	return 0;
}

/* ---- what was found */

static int take_one(struct scan *scan, const struct scanning *s, struct reader *r)
{
	uint32_t at = reader_u32(r);
	struct scanned found = {0};
	struct message message;

	found.candidate.matched = reader_u32(r);
	scan->limits += reader_u32(r);
	found.user = reader_i64(r);
	found.bounce = reader_u8(r) != 0;
	if (candidate_take(&found.candidate, reader_blob(r)) != 0)
		return ERR_CHILD;
	message = candidate_message(&found.candidate);
	if (r->failed || at >= s->count || scan->count == s->count ||
	    !queue_id_equal(&message.queue_id, &s->ids[at]) || message.origin != ORIGIN_SCAN)
		return ERR_CHILD;
	found.candidate.sequence = s->targets[at].sequence;
	if (found.candidate.matched & MATCHED_UNSURE)
		scan->unsure++;
	else if (found.candidate.matched)
		scan->list[scan->count++] = found;
	return 0;
}

static int take_found(struct scan *scan, const struct scanning *s, struct err *err)
{
	int code = 0;

	scan->list = calloc(s->count + 1, sizeof(*scan->list));
	if (!scan->list)
		return err_sys(err, ENOMEM, "failed to scan the queue");
	for (unsigned n = 0; n < scan->reading.used; n++) {
		struct span part = scan->reading.parts[n];
		struct reader r = reader_of(part.at, part.len);

		while (code == 0 && !reader_done(&r))
			code = take_one(scan, s, &r);
	}
	return code ? err_set(err, code, "the reader of queue files broke off") : 0;
}

static int run(struct scanning *s, struct scan *scan, struct err *err)
{
	/* Rows without a name are not asked about: all count as young. */
	struct join_task task = {
	    .patience = INT64_MAX / 4, .share = s->order->scan, .notices = s->order->bounces};
	bool whole = s->order->selector->recipient.count > 0;
	size_t max = whole ? SIZE_MAX : (size_t)s->order->settings->max_recipients;
	int code = strays_find(s->order, &task, &s->strays, err);

	if (code == 0)
		code = find_targets(s, scan, err);
	if (code == 0)
		code = spool_read(
		    s->order->postfix, s->ids, s->count, max, put_found, s, &scan->reading, err);
	return code == 0 ? take_found(scan, s, err) : code;
}

int scan_run(const struct order *order, struct scan **ret, struct err *err)
{
	struct scanning s = {.order = order};
	struct scan *scan = calloc(1, sizeof(*scan));
	int code = scan ? run(&s, scan, err) : err_sys(err, ENOMEM, "failed to scan the queue");

	strays_release(&s.strays);
	free(s.targets);
	free(s.ids);
	if (code == 0)
		*ret = scan;
	else
		scan_free(scan);
	return code;
}

void scan_free(struct scan *scan)
{
	if (!scan)
		return;
	spool_reading_release(&scan->reading);
	free(scan->list);
	free(scan->replaced);
	free(scan);
}

size_t scan_count(const struct scan *scan)
{
	return scan ? scan->count : 0;
}

const struct scanned *scan_at(const struct scan *scan, size_t n)
{
	return &scan->list[n];
}

uint64_t scan_unreadable(const struct scan *scan)
{
	return scan->reading.unreadable;
}

unsigned scan_limits(const struct scan *scan)
{
	return scan->limits;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t scan_unsure(const struct scan *scan)
{
	return scan->unsure;
}

bool scan_replaces(const struct scan *scan, uint64_t sequence)
{
	return scan && bsearch(&sequence, scan->replaced, scan->replaced_count,
			   sizeof(*scan->replaced), by_number);
}
