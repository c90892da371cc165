/* SPDX-License-Identifier: ISC */
/* Last step: the writer drops the rows of what left, and keeps the account. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "order/inside.h"

#define ACCOUNT_TIMEOUT (10 * USEC_PER_SEC) /* for so many requests, of which each is a commit: */
#define SLICE_MAX       8

/* Encoded requests, sent together. */
struct parcel {
	struct bytes *list;
	size_t count, cap;
	bool failed;
};

static struct bytes *parcel_next(struct parcel *p)
{
	if (p->count == p->cap) {
		p->failed = true;
		return NULL;
	}
	return &p->list[p->count++];
}

static void parcel_release(struct parcel *p)
{
	for (size_t n = 0; n < p->count; n++)
		bytes_release(&p->list[n]);
	free(p->list);
}

/* Sends requests; the value of the last answer. A refusal of the writer is an error like any other.
 */
static int send_all(const struct order *order, const struct span *requests, size_t count,
    uint64_t *ret_value, struct err *err)
{
	struct client_answer answer = {0};
	int code = client_send(
	    order->settings->index_directory, requests, count, ACCOUNT_TIMEOUT, &answer, err);

	if (code == 0 && answer.code < 0)
		code = err_set(err, answer.code, "%s",
		    answer.text.len ? answer.text.text : err_word(answer.code));
	if (code == 0)
		*ret_value = answer.value;
	client_answer_release(&answer);
	return code;
}

static int parcel_send(const struct order *order, const struct parcel *p, struct err *err)
{
	bool failed = p->failed;
	uint64_t ignored;
	struct span *spans;
	int code;

	if (p->count == 0)
		return 0;
	spans = calloc(p->count, sizeof(*spans));
	if (!spans)
		return err_sys(err, ENOMEM, "failed to keep what left");
	for (size_t n = 0; n < p->count; n++) {
		spans[n] = bytes_span(&p->list[n]);
		failed |= p->list[n].failed;
	}
	code = failed ? err_sys(err, ENOMEM, "failed to keep what left") : 0;
	for (size_t sent = 0, slice; code == 0 && sent < p->count; sent += slice) {
		slice = p->count - sent < SLICE_MAX ? p->count - sent : SLICE_MAX;
		code = send_all(order, spans + sent, slice, &ignored, err);
	}
	free(spans);
	return code;
}

/* Whether the row of this item names nothing any more. CHANGED is the business of sync, which looks
 * more closely. */
static bool has_left(const struct order *order, const struct item *item)
{
	if (item->result == RESULT_GONE)
		return true;
	/* What was requeued gets a new ID, and no milter sees it. */
	return item->result == RESULT_DONE && (order->action == ACTION_DELETE || order->requeue);
}

static void add_drops(struct parcel *p, const struct order *order, const struct outcome *outcome)
{
	static struct request_row rows[REQUEST_ROWS_MAX];
	size_t count = 0;

	for (size_t n = 0; n <= outcome->count; n++) {
		if (count == REQUEST_ROWS_MAX || (n == outcome->count && count > 0)) {
			struct bytes *request = parcel_next(p);
			if (request)
				request_drop(request, rows, count);
			count = 0;
		}
		if (n < outcome->count && has_left(order, &outcome->items[n])) {
			const struct candidate *candidate = outcome->items[n].candidate;
			rows[count++] =
			    (struct request_row){candidate->sequence, candidate_id(candidate)};
		}
	}
}

static void add_parts(struct parcel *p, const struct outcome *outcome, uint64_t batch)
{
	struct bytes items = {0};
	uint32_t part = 0;
	size_t count = 0;

	for (size_t n = 0; n <= outcome->count; n++) {
		if (count == BATCH_PART_ITEMS || (n == outcome->count && count > 0)) {
			struct bytes *request = parcel_next(p);
			if (request)
				request_batch_part(request, batch, part, bytes_span(&items));
			p->failed |= items.failed;
			bytes_clear(&items);
			part++;
			count = 0;
		}
		if (n < outcome->count && outcome->items[n].result == RESULT_DONE) {
			const struct item *item = &outcome->items[n];
			struct batch_item entry = {
			    .queue_id = candidate_id(item->candidate),
			    .result = (uint8_t)item->result,
			    .arrival_time =
				item->proof.arrival_time > 0 ? item->proof.arrival_time : 0,
			    .inode = item->proof.inode,
			};
			batch_item_encode(&entry, &items);
			count++;
		}
	}
	bytes_release(&items);
}

static const char *words(const char *text)
{
	return text ? text : "";
}

static int send_batch(const struct order *order, struct outcome *outcome, struct err *err)
{
	const uint64_t *results = outcome->tally.results;
	char uid[32];
	struct batch batch = {
	    .time = clock_wall(),
	    .uid = getuid(),
	    .verb = words(order->verb),
	    .user = order->user ? order->user : uid,
	    .command = words(order->command_line),
	    .reason = words(order->reason),
	    .matched = outcome->tally.matched,
	    .done = results[RESULT_DONE],
	    .gone = results[RESULT_GONE],
	    .changed = results[RESULT_CHANGED],
	    .failed = results[RESULT_FAILED] + results[RESULT_UNPROVEN],
	    .unindexed = outcome->tally.unindexed,
	    .item_count = (uint32_t)results[RESULT_DONE],
	    .rules_set = order->rules_set,
	};
	struct bytes request = {0};
	struct span span;
	int code;

	snprintf(uid, sizeof(uid), "uid %u", (unsigned)getuid());
	request_batch(&request, &batch);
	span = bytes_span(&request);
	code = request.failed ? err_sys(err, ENOMEM, "failed to write it down")
			      : send_all(order, &span, 1, &outcome->tally.batch, err);
	bytes_release(&request);
	return code;
}

/* The rows are dropped even where the batch could not be written: they are wrong in any case. */
static int send_rest(const struct order *order, struct outcome *outcome, struct err *err)
{
	struct parcel parcel = {0};
	int code;

	parcel.cap = outcome->count / REQUEST_ROWS_MAX + outcome->count / BATCH_PART_ITEMS + 2;
	parcel.list = calloc(parcel.cap, sizeof(*parcel.list));
	if (!parcel.list)
		return err_sys(err, ENOMEM, "failed to keep what left");
	if (outcome->tally.batch > 0)
		add_parts(&parcel, outcome, outcome->tally.batch);
	add_drops(&parcel, order, outcome);
	code = parcel_send(order, &parcel, err);
	parcel_release(&parcel);
	return code;
}

void order_account(const struct order *order, struct outcome *outcome)
{
	struct err err = {{0}};
	int code, rest;

	order_tally(outcome);
	if (order->dry_run || order->action == ACTION_LIST) {
		outcome->accounted = true;
		return;
	}
	if (outcome->tally.matched == 0 && outcome->tally.results[RESULT_GONE] == 0) {
		outcome->accounted = true;
		return;
	}
	code = send_batch(order, outcome, &err);
	/* A writer that does not answer is not asked twice. */
	rest = code == ERR_TIMEOUT ? code : send_rest(order, outcome, code ? NULL : &err);
	outcome->accounted = code == 0 && rest == 0;
	if (!outcome->accounted) {
		err_within(&err, code, "failed to keep the account");
		order_trouble(outcome, &err);
	}
}
