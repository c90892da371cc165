/* SPDX-License-Identifier: ISC */
/* What a child hands over for each file that it could read: u32 position, u8 enum meant. */
#include "order/meant.h"

#include "postfix/spool/spool_read.h"

struct asking {
	const struct selector *selector;
	const struct proof *looks;
};

static enum meant judge(const struct asking *a, size_t n, const struct queue_message *m)
{
	unsigned limits = 0, matched = selector_match(a->selector, &m->message, &limits);

	if (!matched)
		return limits ? MEANT_UNKNOWN : MEANT_NOT;
	return selector_match_file(
		   a->selector, m->identity.arrival_time, m->identity.size, a->looks[n].queue)
		   ? MEANT_YES
		   : MEANT_NOT;
}

static void put_answer(void *arg, size_t n, const struct queue_message *m, struct bytes *out)
{
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u8(out, (uint8_t)judge(arg, n, m));
}

static int take_answers(struct span part, enum meant *ret, size_t count)
{
	struct reader r = reader_of(part.at, part.len);

	while (!reader_done(&r)) {
		uint32_t n = reader_u32(&r);
		uint8_t meant = reader_u8(&r);

		if (r.failed || n >= count || meant > MEANT_YES)
			return ERR_CHILD;
		ret[n] = (enum meant)meant;
	}
	return 0;
}

int meant_find(const struct postfix *p, const struct selector *selector, const struct queue_id *ids,
    const struct proof *looks, size_t count, enum meant *ret, struct err *err)
{
	struct asking asking = {.selector = selector, .looks = looks};
	struct spool_reading reading;
	int code = spool_read(p, ids, count, SIZE_MAX, put_answer, &asking, &reading, err);

	if (code != 0)
		return code;
	for (size_t n = 0; n < count; n++)
		ret[n] = MEANT_UNKNOWN;
	for (unsigned n = 0; code == 0 && n < reading.used; n++)
		code = take_answers(reading.parts[n], ret, count);
	spool_reading_release(&reading);
	return code ? err_set(err, code, "the reader of queue files broke off") : 0;
}
