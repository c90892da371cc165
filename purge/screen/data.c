/* SPDX-License-Identifier: ISC */
#include "purge/screen/data.h"

#include "base/array.h"
#include "base/clock.h"

int screen_groups_read(const struct json *answer, struct screen_groups *ret)
{
	*ret = (struct screen_groups){.kept = true, .steady = clock_steady()};
	int code = top_read(answer, CENSUS_LIST, &ret->top);
	ret->others = json_unsigned(answer, "others");
	ret->now = json_int(answer, "now", 0);
	ret->caught_up = (int64_t)json_unsigned(answer, "caught_up");
	return ret->now > 0 ? code : ERR_SYNTAX;
}

/* A last line without newline was cut, and is skipped. */
static int each_line(const char *text, size_t len, size_t most,
    int (*take)(void *arg, const struct json *o), void *arg)
{
	int code = 0;

	for (size_t n = 0; len > 0 && n < most && code == 0; n++) {
		const char *end = memchr(text, '\n', len);
		AUTO(json_release) struct json *o = NULL;

		if (!end)
			break;
		const size_t line = (size_t)(end - text);
		code = json_parse(text, line, &o, NULL);
		code = code ?: take(arg, o);
		text += line + 1;
		len -= line + 1;
	}
	return code;
}

struct taking {
	struct top *top;
	const char *like;
};

/* The sums are over all groups. A message can be in several, so they can exceed the number of
 * messages. */
static int take_group(void *arg, const struct json *o)
{
	const struct taking *t = arg;
	const char *name = json_text(o, "group");

	t->top->messages += json_unsigned(o, "count");
	t->top->bytes += json_unsigned(o, "bytes");
	return name && !str_has_nocase(name, t->like) ? 0 : top_add(t->top, o, USEC_PER_SEC);
}

int screen_groups_read_top(
    const char *text, size_t len, int64_t now, const char *like, struct screen_groups *ret)
{
	struct taking taking = {.top = &ret->top, .like = like};

	*ret = (struct screen_groups){.now = now, .caught_up = now, .steady = clock_steady()};
	int code = each_line(text, len, SIZE_MAX, take_group, &taking);
	top_end(&ret->top);
	return code;
}

void screen_groups_release(struct screen_groups *g)
{
	top_release(&g->top);
	*g = (struct screen_groups){0};
}

static void free_message(struct screen_message *m)
{
	free(m->id);
	free(m->queue);
	free(m->sender);
	free(m->recipient);
}

static int take_message(void *arg, const struct json *o)
{
	struct screen_messages *into = arg;
	const char *queued = json_text(o, "queued_sender");
	struct screen_message m = {.id = strdup(json_words(o, "queue_id")),
	    .queue = strdup(json_words(o, "queue_name")),
	    .sender = strdup(queued ? queued : json_words(o, "sender")),
	    .recipient = strdup(json_words(json_at(o, "recipients", 0), "address")),
	    .recipients = json_count(o, "recipients"),
	    .arrival = json_int(o, "arrival_time", 0) * USEC_PER_SEC,
	    .size = json_int(o, "message_size", -1)};

	if (m.id && m.queue && m.sender && m.recipient && array_add(into, m) == 0)
		return 0;
	free_message(&m);
	return -ENOMEM;
}

int screen_messages_read(const char *text, size_t len, struct screen_messages *ret)
{
	*ret = (struct screen_messages){0};
	return each_line(text, len, SCREEN_MESSAGES, take_message, ret);
}

void screen_messages_release(struct screen_messages *m)
{
	for (size_t i = 0; i < m->count; i++)
		free_message(&m->list[i]);
	free(m->list);
	*m = (struct screen_messages){0};
}
