/* SPDX-License-Identifier: ISC */
/* Mail past maximal_queue_lifetime. */
#include "purge/lifetime.h"

#include "base/clock.h"

#define DAY (24 * 3600 * USEC_PER_SEC)

int lifetime_parse(const char *text, int64_t *ret_usec)
{
	uint64_t days;

	/* Here no unit means days, elsewhere seconds (global/conv_time.c and mail_params.h). */
	if (str_parse_u64(text, 0, 36500, &days) == 0) {
		*ret_usec = (int64_t)days * DAY;
		return 0;
	}
	return clock_parse_span(text, ret_usec);
}

int lifetime_read(const struct postfix *p, int64_t *ret_usec, struct err *err)
{
	struct strbuf value = {0};
	int code = postfix_parameter(p, "maximal_queue_lifetime", &value, err);

	if (code == 0 && lifetime_parse(strbuf_text(&value), ret_usec) < 0)
		code =
		    err_set(err, ERR_CONFIG, "maximal_queue_lifetime is '%s'", strbuf_text(&value));
	strbuf_release(&value);
	return code;
}

uint64_t lifetime_over(struct outcome *outcome, int64_t lifetime, int64_t wall, bool refuse)
{
	uint64_t count = 0;

	for (size_t i = 0; i < outcome->count; i++) {
		struct item *item = &outcome->items[i];

		if (item->result != RESULT_READY || wall - item->proof.arrival_time <= lifetime)
			continue;
		count++;
		if (!refuse)
			continue;
		item->result = RESULT_FAILED;
		item->reason =
		    "past maximal_queue_lifetime, it would bounce at once; --requeue makes "
		    "it new mail, -y releases it as it is";
	}
	return count;
}
