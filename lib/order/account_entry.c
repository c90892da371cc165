/* SPDX-License-Identifier: ISC */
/* Messages as the account has them. */
#include "order/account_entry.h"

#include <errno.h>

#include "base/err.h"
#include "order/grow.h"

void account_entries_release(struct account_entries *e)
{
	free(e->list);
	*e = (struct account_entries){0};
}

int account_entry_compare(const struct account_entry *a, const struct account_entry *b)
{
	int order = strcmp(a->queue_id.text, b->queue_id.text);

	if (order != 0)
		return order;
	return (a->arrival_time > b->arrival_time) - (a->arrival_time < b->arrival_time);
}

void account_entry_put(struct strbuf *text, const struct account_entry *entry)
{
	int64_t arrival = entry->arrival_time > 0 ? entry->arrival_time : 0;

	strbuf_printf(
	    text, "%s%s %lld", text->len ? " " : "", entry->queue_id.text, (long long)arrival);
}

int account_entry_next(const char **text, struct account_entry *ret)
{
	const char *at = *text + strspn(*text, " ");
	size_t len = strcspn(at, " ");
	char *end;

	if (!*at)
		return 0;
	if (queue_id_parse(at, len, &ret->queue_id) < 0 || at[len] != ' ' || at[len + 1] < '0' ||
	    at[len + 1] > '9')
		return ERR_SYNTAX;
	errno = 0;
	ret->arrival_time = strtoll(at + len + 1, &end, 10);
	if (errno != 0 || (*end && *end != ' '))
		return ERR_SYNTAX;
	*text = end;
	return 1;
}

int account_entries_parse(const char *text, struct account_entries *ret)
{
	struct account_entry entry;
	int got;

	while ((got = account_entry_next(&text, &entry)) == 1) {
		struct account_entry *list = grown(ret->list, ret->count, &ret->cap, sizeof(*list));

		if (!list)
			return -ENOMEM;
		ret->list = list;
		list[ret->count++] = entry;
	}
	return got < 0 ? ERR_CHILD : 0;
}
