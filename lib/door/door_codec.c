/* SPDX-License-Identifier: ISC */
#include "door/door_private.h"

#define CODEC(kind)                                                                                \
	void codec_##kind(struct codec *c, typeof(reader_##kind(&c->in)) *at)                      \
	{                                                                                          \
		if (c->out)                                                                        \
			bytes_put_##kind(c->out, *at);                                             \
		else                                                                               \
			*at = reader_##kind(&c->in);                                               \
	}
CODEC(u8)
CODEC(u32)
CODEC(u64)
CODEC(i64)
CODEC(text)

void codec_flag(struct codec *c, bool *flag)
{
	uint8_t n = *flag;

	codec_u8(c, &n);
	c->in.failed |= n > 1;
	*flag = n == 1;
}

void codec_list(struct codec *c, struct strbuf *packed)
{
	struct strlist list = strlist_of(packed);
	uint32_t count = list.count;

	codec_u32(c, &count);
	if (c->out)
		strlist_each (each, &list)
			bytes_put_text(c->out, each);
	for (uint32_t n = 0; !c->out && n < count && !c->in.failed; n++) {
		const char *text = reader_text(&c->in);

		strlist_push(packed, text, strlen(text));
	}
	if (!c->out && packed->failed)
		c->code = err_set(c->err, -ENOMEM, "out of memory");
}

void *codec_array(struct codec *c, void *list, size_t *count, size_t size, uint32_t max)
{
	uint32_t n = (uint32_t)*count;

	codec_u32(c, &n);
	if (c->out)
		return list;
	if (n > max)
		c->code = err_set(c->err, ERR_LIMIT, "more than %u members", max);
	list = n > max ? NULL : calloc((size_t)n + 1, size);
	if (!list && n <= max)
		c->code = err_set(c->err, -ENOMEM, "out of memory");
	*count = list ? n : 0;
	return list;
}
