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

static int take_group(struct top *top, const struct json *o)
{
	const char *name = json_text(o, "group");
	size_t at;
	int code = name ? labels_number(&top->names, name, 0, &at) : ERR_SYNTAX;

	if (code < 0)
		return code;
	struct top_group *g = (struct top_group *)top->names.values + at;
	g->count = json_unsigned(o, "count");
	g->bytes = json_unsigned(o, "bytes");
	g->oldest = json_int(o, "oldest", 0);
	g->newest = json_int(o, "newest", 0);
	for (size_t i = 0; i < TOP_AGES; i++)
		g->ages[i] = json_unsigned(json_at(o, "ages", i), NULL);
	return 0;
}

int kept_top(const struct index_client *c, enum top_by by, struct top *ret, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	uint64_t groups;
	int code = kept_ask(c, (enum group_kind)by, "", CENSUS_LIST, &answer, err);

	*ret = (struct top){.names.value_size = sizeof(*ret->list)};
	for (size_t i = 0; code == 0 && i < json_count(answer, "list") && i < CENSUS_LIST; i++)
		code = take_group(ret, json_at(answer, "list", i));
	if (code == 0)
		top_end(ret);
	groups = json_unsigned(answer, "groups");
	ret->messages = json_unsigned(answer, "count");
	ret->bytes = json_unsigned(answer, "bytes");
	ret->more = groups > ret->count ? groups - ret->count : 0;
	return code;
}
