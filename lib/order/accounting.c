/* SPDX-License-Identifier: ISC */
/* The account of one order: begun before the first message is touched, ended when all is over. */
#include <errno.h>

#include "base/json.h"
#include "order/inside.h"

/*
 * What a killed command had handed to postsuper, and of which no word came back: with those that
 * lie where they should it was done. Its postsuper may still be at work when we begin, so that this
 * is asked again in the end.
 */
static void settle_doubt(struct run *run)
{
	struct account_entries *doubt = &run->doubt;
	struct account_entries done = {.list = calloc(doubt->count + 1, sizeof(*done.list))};
	uint8_t *queues = NULL;
	struct err err = {{0}};
	size_t left = 0;

	if (doubt->count == 0 || !done.list) {
		account_entries_release(&done);
		return;
	}
	if (holds_look(run->order->postfix, doubt, &queues, &err) < 0)
		order_trouble(run->outcome, &err);
	for (size_t n = 0; queues && n < doubt->count; n++) {
		const struct item *item = order_find(run->outcome, &doubt->list[n].queue_id);

		if (!(queues[n] & run->row->needs))
			doubt->list[left++] = doubt->list[n];
		else if (!item || item->result != RESULT_DONE)
			done.list[done.count++] = doubt->list[n];
	}
	doubt->count = left;
	if (done.count > 0)
		account_done(run->account, 0, done.list, done.count);
	run->done_before += done.count;
	free(queues);
	account_entries_release(&done);
}

int order_account_begin(struct run *run, struct err *err)
{
	struct account_before before;
	int code;

	if (run->account)
		return 0;
	facts_read_reasons(&run->looking, run->outcome, &run->reasons);
	code = account_begin(run->order, &run->account, &before, err);
	if (code < 0)
		return code;
	run->outcome->tally.batch = account_number(run->account);
	run->done_before = before.done;
	run->doubt = before.doubt;
	settle_doubt(run);
	return 0;
}

/* An undo that left nothing of its batches. */
static bool is_undone(const struct run *run)
{
	const uint64_t *results = run->outcome->tally.results;

	return run->order->undo_count > 0 && !run->outcome->interrupted &&
	       results[RESULT_FAILED] + results[RESULT_UNPROVEN] == 0;
}

static int make_end(const struct run *run, struct strbuf *ret)
{
	const struct tally *t = &run->outcome->tally;
	uint64_t done = run->done_before + t->results[RESULT_DONE];
	struct json *o = json_new();
	int code;

	json_put_int(o, "end", (int64_t)account_number(run->account));
	json_put_int(o, "matched", (int64_t)(t->matched + run->done_before));
	json_put_int(o, "done", (int64_t)done);
	json_put_int(o, "gone", (int64_t)t->results[RESULT_GONE]);
	json_put_int(o, "changed", (int64_t)t->results[RESULT_CHANGED]);
	json_put_int(
	    o, "failed", (int64_t)(t->results[RESULT_FAILED] + t->results[RESULT_UNPROVEN]));
	json_put_int(o, "rules_set", run->order->rules_set);
	if (is_undone(run))
		json_put_ints(o, "undid", run->order->undo, run->order->undo_count);
	code = json_write(ret, o);
	while (code == 0 && ret->len > 0 && ret->text[ret->len - 1] == '\n')
		ret->text[--ret->len] = '\0';
	return code;
}

static int end(struct run *run, struct err *err)
{
	struct strbuf facts = {0}, line = {0};
	int code = order_account_begin(run, err);

	if (code == 0) {
		code =
		    facts_line(run->outcome, account_number(run->account), &run->reasons, &facts);
		if (code == 0)
			code = make_end(run, &line);
		if (code < 0)
			err_sys(err, ENOMEM, "failed to end the account");
		else
			code = account_end(run->account, facts.text, line.text, err);
	}
	strbuf_release(&facts);
	strbuf_release(&line);
	return code;
}

void order_account_lose(struct run *run, int code, const struct err *why)
{
	struct err err = *why;

	if (run->unaccounted)
		return;
	run->unaccounted = true;
	account_close(run->account);
	run->account = NULL;
	err_within(&err, code,
	    run->row->only_ours || run->row->needs
		? "the account could not be kept, so that 'undo' does not know all of this"
		: "the account could not be kept");
	order_trouble(run->outcome, &err);
}

void order_account_end(struct run *run)
{
	const struct tally *t = &run->outcome->tally;
	bool nothing = t->matched + t->results[RESULT_GONE] == 0 || run->outcome->interrupted;
	struct err err = {{0}};
	int code;

	run->outcome->accounted = !run->unaccounted;
	if (run->unaccounted)
		return;
	if (!run->account && (nothing || !run->row->changes || run->order->dry_run))
		return;
	code = end(run, &err);
	if (code == 0)
		return;
	run->outcome->accounted = false;
	err_within(&err, code, "the account of batch %llu has no end",
	    (unsigned long long)run->outcome->tally.batch);
	order_trouble(run->outcome, &err);
}
