/* SPDX-License-Identifier: ISC */
#include "purge/screen/data.h"

#include "base/array.h"
#include "base/clock.h"

static void read_numbers(const struct json *o, const char *key, uint64_t *ret, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ret[i] = json_unsigned(json_at(o, key, i), NULL);
}

/* unit: microseconds in one unit of its times. */
static struct screen_group group_of(const struct json *o, int64_t unit)
{
	struct screen_group g = {
	    .count = json_unsigned(o, "count"), .bytes = json_unsigned(o, "bytes")};
	const uint64_t most = (uint64_t)(INT64_MAX / unit);

	if (json_unsigned(o, "oldest") < most)
		g.oldest = (int64_t)json_unsigned(o, "oldest") * unit;
	if (json_unsigned(o, "newest") < most)
		g.newest = (int64_t)json_unsigned(o, "newest") * unit;
	read_numbers(o, "ages", g.ages, GROUP_AGES);
	read_numbers(o, "came", g.came, CENSUS_CAME);
	return g;
}

static int add_group(struct screen_groups *ret, const struct json *o, int64_t unit)
{
	const char *name = json_text(o, "group");
	struct screen_group g = group_of(o, unit);

	if (!name)
		return ERR_SYNTAX;
	g.name = strdup(name);
	if (g.name && array_add(ret, g) == 0)
		return 0;
	free(g.name);
	return -ENOMEM;
}

int screen_groups_read(const struct json *answer, struct screen_groups *ret)
{
	int code = 0;

	*ret = (struct screen_groups){.kept = true, .steady = clock_steady()};
	ret->all = group_of(answer, 1);
	ret->groups = json_unsigned(answer, "groups");
	ret->others = json_unsigned(answer, "others");
	ret->now = json_int(answer, "now", 0);
	ret->caught_up = (int64_t)json_unsigned(answer, "caught_up");
	for (size_t i = 0; code == 0 && i < json_count(answer, "list") && i < CENSUS_LIST; i++)
		code = add_group(ret, json_at(answer, "list", i), 1);
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

static int take_group(void *arg, const struct json *o)
{
	return add_group(arg, o, USEC_PER_SEC);
}

/* Sums over the groups. A message can be in several, so this can exceed the number of messages. */
static void take_sums(struct screen_groups *ret)
{
	for (size_t i = 0; i < ret->count; i++) {
		const struct screen_group *g = &ret->list[i];

		ret->all.count += g->count;
		ret->all.bytes += g->bytes;
		if (ret->all.oldest == 0 || g->oldest < ret->all.oldest)
			ret->all.oldest = g->oldest;
		if (g->newest > ret->all.newest)
			ret->all.newest = g->newest;
	}
}

static void drop_unlike(struct screen_groups *g, const char *like)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->count; i++)
		if (str_has_nocase(g->list[i].name, like))
			g->list[kept++] = g->list[i];
		else
			free(g->list[i].name);
	g->count = kept;
}

int screen_groups_read_top(
    const char *text, size_t len, int64_t now, const char *like, struct screen_groups *ret)
{
	*ret = (struct screen_groups){.now = now, .caught_up = now, .steady = clock_steady()};
	int code = each_line(text, len, SIZE_MAX, take_group, ret);

	take_sums(ret);
	drop_unlike(ret, like);
	ret->groups = ret->count;
	return code;
}

const struct screen_group *screen_groups_find(const struct screen_groups *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->list[i].name, name) == 0)
			return &g->list[i];
	return NULL;
}

void screen_groups_release(struct screen_groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->list[i].name);
	free(g->list);
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
