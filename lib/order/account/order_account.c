/* SPDX-License-Identifier: ISC */
#include "base/json.h"
#include "order/order_private.h"

/* Messages that a killed command gave to postsuper without learning the result are done if they lie
 * where they should. Called again at the end, because that postsuper may still be at work. */
static void settle_doubt(struct run *run)
{
	AUTO(account_entries_release) struct account_entries done = {0};
	struct err err = {{0}};
	size_t kept = 0;

	if (holds_settle(run->order->postfix, &run->doubt, run->row->needs, &done, &err) < 0) {
		order_trouble(run->outcome, &err);
		run->doubt.count = 0;
	}
	for (size_t n = 0; n < done.count; n++) {
		const struct item *item = order_find(run->outcome, &done.list[n].queue_id);

		if (!item || item->result != RESULT_DONE)
			done.list[kept++] = done.list[n];
	}
	if (kept > 0)
		writer_done(run->writer, 0, done.list, kept);
	run->done_before += kept;
}

int order_account_begin(struct run *run, struct err *err)
{
	if (run->writer)
		return 0;
	order_show(run->order, "beginning the account", 0, 0);
	facts_read_reasons(&run->facts, &run->looking, run->outcome);
	int code = writer_open(run->order, &run->writer, &run->done_before, &run->doubt, err);
	if (code < 0)
		return code;
	run->outcome->tally.batch = writer_batch(run->writer);
	settle_doubt(run);
	return 0;
}

static bool is_undone(const struct run *run)
{
	const uint64_t *results = run->outcome->tally.results;

	return run->order->undo_count > 0 && !run->outcome->interrupted &&
	       results[RESULT_FAILED] + results[RESULT_UNPROVEN] == 0;
}

static int make_end(const struct run *run, struct strbuf *ret)
{
	const struct tally *t = &run->outcome->tally;
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"end", t->batch}, {"matched", t->matched + run->done_before},
	    {"done", t->results[RESULT_DONE] + run->done_before}, {"gone", t->results[RESULT_GONE]},
	    {"changed", t->results[RESULT_CHANGED]},
	    {"failed", t->results[RESULT_FAILED] + t->results[RESULT_UNPROVEN]},
	    {"rules_set", run->order->rules_set}};
	struct json *o = json_new();

	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		json_put_int(o, numbers[n].key, (int64_t)numbers[n].value);
	if (run->outcome->interrupted)
		json_put_bool(o, "interrupted", true);
	json_put_words(o, "token", run->order->token);
	if (is_undone(run))
		json_put_ints(o, "undid", run->order->undo, run->order->undo_count);
	return json_write(ret, o);
}

static int end(struct run *run, struct err *err)
{
	AUTO(strbuf_release) struct strbuf lines = {0};
	int code = order_account_begin(run, err);

	if (code < 0)
		return code;
	order_show(run->order, "ending the account", 0, 0);
	if (run->doubt.count > 0)
		(void)!postsuper_await_orphans(&run->looking, NULL);
	settle_doubt(run);
	code = facts_line(&run->facts, run->outcome, run->outcome->tally.batch, &lines);
	code = code ?: make_end(run, &lines);
	if (code < 0)
		err_sys(err, ENOMEM, "failed to end the account");
	else
		code = writer_end(run->writer, &lines, err);
	return code;
}

void order_account_lose(struct run *run, int code, const struct err *why)
{
	struct err err = *why;

	if (run->unaccounted)
		return;
	run->unaccounted = true;
	writer_close(run->writer);
	run->writer = NULL;
	err_within(&err, code,
	    run->row->only_ours || run->row->needs
		? "the account could not be written, so 'undo' does not know all of these messages"
		: "the account could not be written");
	order_trouble(run->outcome, &err);
}

void order_account_end(struct run *run)
{
	const struct tally *t = &run->outcome->tally;
	bool nothing = !run->order->stays &&
		       (t->matched + t->results[RESULT_GONE] == 0 || run->outcome->interrupted);
	struct err err = {{0}};

	run->outcome->accounted = !run->unaccounted;
	if (run->unaccounted)
		return;
	if (!run->writer && (nothing || !run->row->changes || run->order->dry_run))
		return;
	int code = end(run, &err);
	if (code == 0)
		return;
	run->outcome->accounted = false;
	err_within(&err, code, "the account of batch %llu has no end",
	    (unsigned long long)run->outcome->tally.batch);
	order_trouble(run->outcome, &err);
}

struct run *order_batch_begin(struct order *order, struct outcome *outcome)
{
	struct run *run = calloc(1, sizeof(*run));
	struct err err = {{0}};

	if (!run)
		return NULL;
	*run = (struct run){.order = order,
	    .facts = {.login_exact = order->settings->login_exact},
	    .outcome = outcome,
	    .row = &action_rows[order->action],
	    .looking = *order->postfix};
	run->looking.stop = order->stop;
	int code = order_account_begin(run, &err);
	if (code == ERR_STOPPED)
		run->unaccounted = true;
	else if (code < 0)
		order_account_lose(run, code, &err);
	return run;
}

void order_batch_end(struct run *run)
{
	if (!run)
		return;
	order_account_end(run);
	writer_close(run->writer);
	facts_release(&run->facts);
	account_entries_release(&run->doubt);
	free(run);
}
