/* SPDX-License-Identifier: ISC */
#include "purge/top/kept.h"

int kept_ask(const struct index_client *c, enum group_kind kind, const char *like, size_t limit,
    struct json **ret, struct err *err)
{
	struct json *request = json_request("groups");

	json_put_text(request, "by", group_word(kind));
	json_put_text(request, "like", like);
	json_put_int(request, "limit", (int64_t)limit);
	return client_ask_served(c, request, ret, err);
}

bool kept_has(enum top_by by)
{
	return (unsigned)by < GROUP_KINDS;
}

static uint64_t number(const struct json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n > 0 ? (uint64_t)n : 0;
}

static int take_group(struct top *top, const struct json *o)
{
	const char *name = json_text(o, "group");
	size_t at;
	int code = name ? labels_number(&top->names, name, 0, &at) : ERR_SYNTAX;

	if (code < 0)
		return code;
	struct top_group *g = (struct top_group *)top->names.values + at;
	g->count = number(o, "count");
	g->bytes = number(o, "bytes");
	g->oldest = json_int(o, "oldest", 0);
	g->newest = json_int(o, "newest", 0);
	for (size_t i = 0; i < TOP_AGES; i++)
		g->ages[i] = number(json_at(o, "ages", i), NULL);
	return 0;
}

int kept_top(const struct index_client *c, enum top_by by, struct top *ret, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	int code = kept_ask(c, (enum group_kind)by, "", CENSUS_LIST, &answer, err);

	*ret = (struct top){.names.value_size = sizeof(*ret->list)};
	for (size_t i = 0; code == 0 && i < json_count(answer, "list") && i < CENSUS_LIST; i++)
		code = take_group(ret, json_at(answer, "list", i));
	if (code == 0)
		top_end(ret);
	ret->messages = number(answer, "count");
	ret->bytes = number(answer, "bytes");
	ret->more =
	    number(answer, "groups") > ret->count ? number(answer, "groups") - ret->count : 0;
	return code;
}
