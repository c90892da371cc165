/* SPDX-License-Identifier: ISC */
#include "purge/top/kept.h"

int kept_ask(const struct index_client *c, enum group_kind kind, const char *like, size_t limit,
    struct json **ret, struct err *err)
{
	struct json *request = json_request("groups");

	json_put_text(request, "by", group_word(kind));
	json_put_text(request, "like", like);
	json_put_int(request, "limit", (int64_t)limit);
	json_put_bool(request, "login_exact", c->settings->login_exact);
	return client_ask_served(c, request, ret, err);
}

int kept_top(const struct index_client *c, enum top_by by, struct top *ret, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	int code = kept_ask(c, (enum group_kind)by, "", CENSUS_LIST, &answer, err);

	if (code == 0)
		return top_read(answer, CENSUS_LIST, ret);
	*ret = (struct top){0};
	return code;
}
