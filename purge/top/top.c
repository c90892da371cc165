/* SPDX-License-Identifier: ISC */
#include "purge/top/top.h"

#include <pwd.h>

#include "purge/tell/wording.h"

struct counting {
	struct top *top;
	enum top_by by;
	const struct why_groups *reasons; /* for REASON */
	size_t reason;                    /* the next entry in reasons */
	int64_t now, time;
	uint64_t size;
	int64_t uid; /* the last one that user_of looked up */
	char user[64];
};

static int count_for(void *arg, const char *name)
{
	struct counting *c = arg;
	size_t number;
	int code = labels_number(&c->top->names, name, 0, &number);

	if (code < 0)
		return code;
	struct top_group *g = (struct top_group *)c->top->names.values + number;
	if (g->last == c->top->messages)
		return 0;
	g->last = c->top->messages;
	if (g->count == 0 || c->time < g->oldest)
		g->oldest = c->time;
	if (g->count == 0 || c->time > g->newest)
		g->newest = c->time;
	g->count++;
	g->bytes += c->size;
	g->ages[group_age(c->now - c->time)]++;
	return 0;
}

static const struct {
	const char *word, *head;
} ways[] = {
    [TOP_SENDER] = {"sender", "SENDER DOMAIN"},
    [TOP_FROM] = {"from", "FROM DOMAIN"},
    [TOP_RECIPIENT] = {"recipient", "RECIPIENT DOMAIN"},
    [TOP_LOGIN] = {"login", "LOGIN"},
    [TOP_CLIENT] = {"client", "CLIENT"},
    [TOP_UID] = {"uid", "USER"},
    [TOP_REASON] = {"reason", "REASON"},
};

int top_by_of(const char *word, enum top_by *ret)
{
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		if (strcmp(word, ways[i].word) == 0) {
			*ret = (enum top_by)i;
			return 0;
		}
	return ERR_SYNTAX;
}

const char *top_head(enum top_by by)
{
	return ways[by].head;
}

static int count_reasons(struct counting *c, size_t item)
{
	const struct why_groups *g = c->reasons;
	int code = 0;

	if (c->reason == g->entries.count || g->entries.list[c->reason].item != item)
		return count_for(c, "");
	for (; code == 0 && c->reason < g->entries.count; c->reason++) {
		const struct why_entry *e = &g->entries.list[c->reason];

		if (e->item != item)
			break;
		code = count_for(c, labels_at(&g->names, e->reason));
	}
	return code;
}

static const char *user_of(struct counting *c, const struct message *m)
{
	int64_t uid = m->queued.known ? m->queued.uid : -1;
	const struct passwd *pw;

	if (uid == c->uid || uid < 0)
		return uid < 0 ? "" : c->user;
	pw = getpwuid((uid_t)uid);
	c->uid = uid;
	if (pw)
		str_scrub(c->user, sizeof(c->user), pw->pw_name);
	else
		snprintf(c->user, sizeof(c->user), "%" PRId64, uid);
	return c->user;
}

static int count_item(struct counting *c, const struct outcome *outcome, size_t n)
{
	const struct item *item = &outcome->items[n];
	struct message m = candidate_message(item->candidate);
	int64_t size = item_size(item, &m);

	c->time = item_arrival(item, &m);
	c->size = size > 0 ? (uint64_t)size : 0;
	c->top->messages++;
	c->top->bytes += c->size;
	if (c->by == TOP_REASON)
		return count_reasons(c, n);
	if (c->by == TOP_UID)
		return count_for(c, user_of(c, &m));
	return group_each(&m, (enum group_kind)c->by, count_for, c);
}

void top_end(struct top *top)
{
	top->count = top->names.count;
	top->list = labels_sort(&top->names, labels_by_count);
}

static int count_all(struct counting *c, const struct outcome *outcome)
{
	struct top *top = c->top;
	int code = 0;

	*top = (struct top){.names.value_size = sizeof(*top->list)};
	for (size_t i = 0; i < outcome->count && code == 0; i++)
		if (outcome->items[i].result == RESULT_READY)
			code = count_item(c, outcome, i);
	if (code < 0)
		return code;
	top_end(top);
	return 0;
}

int top_of(const struct outcome *outcome, enum top_by by, int64_t now, struct top *ret)
{
	struct counting c = {.top = ret, .by = by, .now = now, .uid = -1};

	return count_all(&c, outcome);
}

int top_of_reasons(
    const struct outcome *outcome, const struct why_groups *reasons, int64_t now, struct top *ret)
{
	struct counting c = {.top = ret, .by = TOP_REASON, .reasons = reasons, .now = now};

	return count_all(&c, outcome);
}

const struct top_group *top_find(const struct top *top, const char *name)
{
	for (size_t i = 0; i < top->count; i++)
		if (strcmp(top->list[i].name, name) == 0)
			return &top->list[i];
	return NULL;
}

void top_release(struct top *top)
{
	labels_release(&top->names);
	*top = (struct top){0};
}
