/* SPDX-License-Identifier: ISC */
/* Several passes of one walk as one outcome. */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "purge/sweep.h"

/* Between two passes, so that an idle queue is not looked at without pause. */
#define PAUSE_MS 100
/* Passes that find messages and get nothing done; each has waited for what was still arriving. */
#define FRUITLESS_MAX 3
#define DROP_TIMEOUT  (5 * USEC_PER_SEC)
/* Beyond commit_timeout, which is the longest that an end of message lasts. */
#define SETTLE_TIMEOUT (10 * USEC_PER_SEC)

static bool is_done(const struct item *item)
{
	return item->result == RESULT_DONE;
}

/*
 * The order in which passes are merged. The sequence alone does not name a message: one whose row
 * was dropped may be given again, and what no row knows has none.
 */
static int compare_items(const void *left, const void *right)
{
	const struct candidate *a = ((const struct item *)left)->candidate;
	const struct candidate *b = ((const struct item *)right)->candidate;
	struct message x, y;

	if (a->sequence != b->sequence)
		return a->sequence < b->sequence ? -1 : 1;
	x = candidate_message(a);
	y = candidate_message(b);
	if (x.mail_time != y.mail_time)
		return x.mail_time < y.mail_time ? -1 : 1;
	return strcmp(x.queue_id.text, y.queue_id.text);
}

/* Of two items of one message what was done stays; else the later pass is right, if it got there.
 */
static const struct item *better(const struct item *old, const struct item *new)
{
	return is_done(old) || new->result == RESULT_UNTOUCHED ? old : new;
}

static size_t merge(const struct item *old, size_t old_count, const struct item *new,
    size_t new_count, struct item *into)
{
	size_t o = 0, n = 0, count = 0;

	while (o < old_count && n < new_count) {
		int order = compare_items(&old[o], &new[n]);

		if (order < 0)
			into[count++] = old[o++];
		else if (order > 0)
			into[count++] = new[n++];
		else
			into[count++] = *better(&old[o++], &new[n++]);
	}
	while (o < old_count)
		into[count++] = old[o++];
	while (n < new_count)
		into[count++] = new[n++];
	return count;
}

int sweep_add(struct sweep *sweep, struct outcome *pass)
{
	struct outcome *whole = &sweep->whole;
	struct outcome *passes = realloc(sweep->passes, (sweep->count + 1) * sizeof(*passes));
	struct item *items = calloc(whole->count + pass->count + 1, sizeof(*items));

	if (passes)
		sweep->passes = passes;
	if (!passes || !items) {
		free(items);
		outcome_release(pass);
		return -ENOMEM;
	}
	if (pass->count)
		qsort(pass->items, pass->count, sizeof(*pass->items), compare_items);
	whole->count = merge(whole->items, whole->count, pass->items, pass->count, items);
	free(whole->items);
	whole->items = items;
	whole->candidates.damaged = pass->candidates.damaged;
	whole->candidates.limits = pass->candidates.limits;
	whole->interrupted |= pass->interrupted;
	if (pass->trouble.text[0] && !whole->trouble.text[0])
		whole->trouble = pass->trouble;
	/* The latest count is wanted, and one at a time is enough to do. */
	if (pass->counting.pid > 0) {
		order_count_end(whole);
		whole->counting = pass->counting;
		pass->counting = (struct role_child){0};
	}
	passes[sweep->count++] = *pass;
	*pass = (struct outcome){0};
	return 0;
}

static int run_pass(const struct order *order, struct outcome *pass, bool selected, struct err *err)
{
	int code = selected ? 0 : order_select(order, pass, err);

	/* The oldest N of all are known only after all were looked at. */
	if (code == 0 && order->limit)
		code = order_prove(order, pass, err);
	return code < 0 ? code : order_act(order, pass, err);
}

/*
 * Drops the rows of what a pass deleted, so that the next need not look at them again. Where that
 * fails they are only seen once more, as gone; the account drops what is left.
 */
static void drop_done(const struct order *order, const struct outcome *pass)
{
	static struct request_row rows[REQUEST_ROWS_MAX];
	struct bytes request = {0};
	size_t count = 0;
	bool goes_on = order->action == ACTION_DELETE;

	for (size_t i = 0; goes_on && i < pass->count; i++) {
		const struct candidate *c = pass->items[i].candidate;

		if (is_done(&pass->items[i]))
			rows[count++] = (struct request_row){c->sequence, candidate_id(c)};
		if (count == REQUEST_ROWS_MAX || (count && i + 1 == pass->count)) {
			struct client_answer answer = {0};
			struct span span;

			request_drop(&request, rows, count);
			span = bytes_span(&request);
			goes_on =
			    !request.failed && client_send(order->settings->index_directory, &span,
						   1, DROP_TIMEOUT, &answer, NULL) == 0;
			client_answer_release(&answer);
			count = 0;
		}
	}
	bytes_release(&request);
}

/*
 * Waits until the daemon has put into the index, or given up, all that was at its end of message: a
 * message that was judged before a block came into force, and whose row was not there yet, is seen
 * by the pass that comes now. A slow DATA is not waited for; it meets the block at its end.
 */
static void settle(const struct order *order, struct sweep *sweep)
{
	const struct settings *settings = order->settings;
	struct err *trouble = &sweep->whole.trouble;
	struct client_answer answer = {0};
	struct bytes request = {0};
	struct err err = {{0}};
	int code;

	request_settle(&request);
	struct span span = bytes_span(&request);
	code = request.failed ? -ENOMEM
			      : client_send(settings->index_directory, &span, 1,
				    settings->commit_timeout + SETTLE_TIMEOUT, &answer, &err);
	if (code == 0)
		code = answer.code;
	if (code < 0 && code != ERR_NO_INDEX && !trouble->text[0])
		err_set(trouble, code, "could not wait for mail in flight (%s)",
		    err.text[0] ? err.text : err_word(code));
	client_answer_release(&answer);
	bytes_release(&request);
}

/* What a pass found, for the decision to go on. */
enum found { FOUND_NOTHING, FOUND_STUCK, FOUND_SOME };

static enum found found_by(const struct outcome *pass)
{
	const uint64_t *results = pass->tally.results;

	if (results[RESULT_DONE])
		return FOUND_SOME;
	return results[RESULT_FAILED] ? FOUND_STUCK : FOUND_NOTHING;
}

static int next_pass(struct sweep *sweep, const struct order *order, struct outcome *first,
    enum found *ret_found, struct err *err)
{
	struct outcome pass = {0};
	int code;

	if (first) {
		pass = *first;
		*first = (struct outcome){0};
	}
	code = run_pass(order, &pass, first != NULL, err);
	if (code < 0) {
		outcome_release(&pass);
		return code;
	}
	*ret_found = found_by(&pass);
	code = sweep_add(sweep, &pass);
	return code < 0 ? err_set(err, code, "out of memory") : 0;
}

int sweep_run(struct sweep *sweep, const struct order *order, bool again, struct outcome *first,
    struct err *err)
{
	int64_t deadline = clock_steady() + SWEEP_TIME_MAX;
	enum found found = FOUND_NOTHING;
	unsigned fruitless = 0;
	bool ended = false; /* by itself */
	int code;

	if (order->rules_set > 0)
		settle(order, sweep);
	code = next_pass(sweep, order, first, &found, err);

	if (code < 0 || !again)
		return code;
	/* The last pass begins a pause after the first, so at least two are made. */
	while (!ended && !sweep->cut && !*order->stop) {
		if (found == FOUND_SOME)
			drop_done(order, &sweep->passes[sweep->count - 1]);
		poll(NULL, 0, PAUSE_MS);
		settle(order, sweep);
		code = next_pass(sweep, order, NULL, &found, &sweep->whole.trouble);
		fruitless = found == FOUND_STUCK ? fruitless + 1 : 0;
		ended = code < 0 || found == FOUND_NOTHING || fruitless == FRUITLESS_MAX;
		sweep->cut =
		    !ended && (sweep->count >= SWEEP_PASSES_MAX || clock_steady() > deadline);
	}
	sweep->whole.interrupted |= !ended && !sweep->cut;
	return 0;
}

void sweep_release(struct sweep *sweep)
{
	outcome_release(&sweep->whole);
	for (unsigned i = 0; i < sweep->count; i++)
		outcome_release(&sweep->passes[i]);
	free(sweep->passes);
	*sweep = (struct sweep){0};
}
