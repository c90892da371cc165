/* SPDX-License-Identifier: ISC */
/* What a release leaves where it is: what others hold, and what would bounce at once. */
#include "base/clock.h"
#include "order/inside.h"

#define DAY (24 * 3600 * USEC_PER_SEC)

int order_leave_foreign(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	struct account_entries holds = {0};
	struct holds_lost lost;
	int code;

	if (!run->row->only_ours || run->order->foreign || run->order->undo_count > 0)
		return 0;
	code = holds_read(run->order, &holds, &lost, err);
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
	account_entries_release(&holds);
	return 0;
}

int order_parse_lifetime(const char *text, int64_t *ret_usec)
{
	uint64_t days;

	/* Here no unit means days, elsewhere seconds (global/conv_time.c and mail_params.h). */
	if (str_parse_u64(text, 0, 36500, &days) == 0) {
		*ret_usec = (int64_t)days * DAY;
		return 0;
	}
	return clock_parse_span(text, ret_usec);
}

static int read_lifetime(const struct postfix *p, int64_t *ret, struct err *err)
{
	struct strbuf value = {0};
	int code = postfix_parameter(p, "maximal_queue_lifetime", &value, err);

	if (code == 0 && order_parse_lifetime(strbuf_text(&value), ret) < 0)
		code =
		    err_set(err, ERR_CONFIG, "maximal_queue_lifetime is '%s'", strbuf_text(&value));
	strbuf_release(&value);
	return code;
}

/* The queue manager bounces such mail as soon as it is released. */
int order_leave_overdue(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	int64_t lifetime = 0, now = clock_wall();
	int code;

	if (!run->row->only_ours || run->row->leaves)
		return 0;
	code = read_lifetime(run->order->postfix, &lifetime, err);
	if (code < 0)
		return code;
	for (size_t n = 0; n < outcome->count; n++) {
		struct item *item = &outcome->items[n];

		if (item->result != RESULT_READY || now - item->proof.arrival_time <= lifetime)
			continue;
		outcome->overdue++;
		if (!run->order->overdue)
			order_fail(outcome, item,
			    "past maximal_queue_lifetime, it would bounce at once; --requeue makes "
			    "it new mail, -y releases it as it is");
	}
	return 0;
}
