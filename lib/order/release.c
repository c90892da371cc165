/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "order/order_private.h"

#define DAY (24 * 3600 * USEC_PER_SEC)

int order_leave_foreign(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	AUTO(account_entries_release) struct account_entries holds = {0};
	struct holds_lost lost;

	if (!run->row->only_ours || run->order->foreign || run->order->undo_count > 0)
		return 0;
	int code = holds_read(run->order, &holds, &lost, err);
	if (code < 0)
		return code;
	for (size_t n = 0; n < outcome->count; n++) {
		struct item *item = &outcome->items[n];
		struct account_entry message = {
		    candidate_id(item->candidate), item->proof.arrival_time};

		bool by_rule = run->order->rule_held &&
			       candidate_message(item->candidate).flags & MESSAGE_HELD;
		if (item->result != RESULT_READY || by_rule || holds_contain(&holds, &message))
			continue;
		item->result = RESULT_EXCLUDED;
		outcome->foreign++;
	}
	return 0;
}

int order_parse_lifetime(const char *text, int64_t *ret_usec)
{
	uint64_t days;

	/* A number without a unit means days here, elsewhere seconds (global/conv_time.c,
	 * mail_params.h). */
	if (str_parse_u64(text, 0, 36500, &days) == 0) {
		*ret_usec = (int64_t)days * DAY;
		return 0;
	}
	return clock_parse_span(text, ret_usec);
}

static int read_lifetime(const struct postfix *p, int64_t *ret, struct err *err)
{
	AUTO(strbuf_release) struct strbuf value = {0};
	int code = postfix_parameter(p, "maximal_queue_lifetime", &value, err);

	if (code == 0 && order_parse_lifetime(strbuf_text(&value), ret) < 0)
		code =
		    err_set(err, ERR_CONFIG, "maximal_queue_lifetime is '%s'", strbuf_text(&value));
	return code;
}

/* The queue manager bounces such mail as soon as it is released. */
int order_leave_overdue(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	int64_t lifetime = 0, now = clock_wall();

	if (!run->row->only_ours || run->row->leaves)
		return 0;
	int code = read_lifetime(run->order->postfix, &lifetime, err);
	if (code < 0)
		return code;
	for (size_t n = 0; n < outcome->count; n++) {
		struct item *item = &outcome->items[n];

		if (item->result != RESULT_READY || now - item->proof.arrival_time <= lifetime)
			continue;
		outcome->overdue++;
		if (!run->order->overdue)
			order_fail(outcome, item,
			    "past maximal_queue_lifetime, so it would bounce at once; --requeue "
			    "makes it new mail, -y releases it as it is");
	}
	return 0;
}

static void tell_lost(struct run *run, size_t held, const struct holds_lost *lost)
{
	const char *subject = run->order->undo_count == 1 ? "the batch was" : "the batches were";
	struct err *note = &run->outcome->note;
	const char *again = lost->held_again == 1 ? "message was held by a later batch and stays"
						  : "messages were held by a later batch and stay";

	if (lost->released && held == 0)
		err_set(note, 0, "%s undone already, last by batch %" PRIu64, subject, lost->batch);
	else if (lost->released)
		err_set(note, 0, "%" PRIu64 " %s released since, last by batch %" PRIu64,
		    lost->released, lost->released == 1 ? "message was" : "messages were",
		    lost->batch);
	if (lost->held_again && note->text[0])
		err_set(note, 0, "%s; %" PRIu64 " %s", note->text, lost->held_again, again);
	else if (lost->held_again)
		err_set(note, 0, "%" PRIu64 " %s", lost->held_again, again);
}

static int read_files(
    struct run *run, const struct account_entries *holds, struct caught *ret, struct err *err)
{
	struct queue_id *ids = calloc(holds->count + 1, sizeof(*ids));
	struct candidates *found = &ret->found;
	struct selector all;
	size_t kept = 0;

	if (!ids)
		return err_sys(err, ENOMEM, "failed to read %zu queue files", holds->count);
	for (size_t n = 0; n < holds->count; n++)
		ids[n] = holds->list[n].queue_id;
	selector_init(&all);
	all.all = true;
	int code = order_read_files(run, &all, ids, holds->count, ret, err);
	for (size_t n = 0; code == 0 && n < found->count; n++) {
		struct message m = candidate_message(&found->list[n]);
		struct account_entry entry = {m.queue_id, m.queued.arrival_time};

		found->list[n].matched = MATCHED_OTHER;
		if (holds_contain(holds, &entry))
			found->list[kept++] = found->list[n];
	}
	found->count = kept;
	selector_release(&all);
	free(ids);
	return code;
}

int order_select_undo(struct run *run, struct err *err)
{
	AUTO(account_entries_release) struct account_entries holds = {0};
	AUTO(candidates_release) struct candidates bare = {0};
	AUTO(caught_release) struct caught caught = {0};
	struct holds_lost lost;

	order_show(run->order, "reading the account", 0, 0);
	int code = holds_read(run->order, &holds, &lost, err);
	if (code < 0)
		return code;
	tell_lost(run, holds.count, &lost);
	if (lost.doubt > 0)
		code = postsuper_await_orphans(&run->looking, err);
	code = code ?: read_files(run, &holds, &caught, err);
	if (code == 0 && holds_candidates(holds.list, holds.count, &bare) < 0)
		code = err_sys(err, ENOMEM, "failed to keep %zu messages", holds.count);
	/* A file that is there replaces the account's candidate. */
	code = code ?: order_take(run, &bare, err);
	return code ?: order_take(run, &caught.found, err);
}
