/* SPDX-License-Identifier: ISC */
#include "purge/top/top.h"

#include <pwd.h>

#include "base/role.h"
#include "purge/tell/wording.h"
#include "purge/why/why.h"

struct counting {
	struct top *top;
	enum top_by by;
	bool login_exact;
	int64_t now, time;
	uint64_t size;
	struct why_logs logs; /* for REASON */
	struct strbuf folded;
	bool has_reason, any_without; /* the last message, and any message, by its reasons */
	int64_t uid;                  /* the last one that user_of looked up */
	char user[64];
};

static void count(struct counting *c, size_t number)
{
	struct top_group *g = (struct top_group *)c->top->names.values + number;

	if (g->last == c->top->messages)
		return;
	g->last = c->top->messages;
	if (g->count == 0 || c->time < g->oldest)
		g->oldest = c->time;
	if (g->count == 0 || c->time > g->newest)
		g->newest = c->time;
	g->count++;
	g->bytes += c->size;
	g->ages[group_age(c->now - c->time)]++;
}

static int count_for(void *arg, const char *name)
{
	struct counting *c = arg;
	size_t number;
	int code = labels_number(&c->top->names, name, 0, &number);

	if (code == 0)
		count(c, number);
	return code;
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

static int count_reason(void *arg, const struct spool_reason *reason)
{
	struct counting *c = arg;
	size_t number, max = WHY_REASONS_MAX + c->any_without;
	int code = why_number(&c->top->names, &c->folded, reason->text, max, &number);

	if (code == 0)
		count(c, number);
	c->has_reason = true;
	return code;
}

static int count_reasons(struct counting *c, const struct queue_id *id)
{
	c->has_reason = false;
	int code = why_logs_visit(&c->logs, id, count_reason, c);
	if (code < 0 || c->has_reason)
		return code;
	c->any_without = true;
	return count_for(c, "");
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
		return count_reasons(c, &m.queue_id);
	if (c->by == TOP_UID)
		return count_for(c, user_of(c, &m));
	return group_each(&m, (enum group_kind)c->by, c->login_exact, count_for, c);
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

int top_of(
    const struct outcome *outcome, enum top_by by, bool login_exact, int64_t now, struct top *ret)
{
	struct counting c = {
	    .top = ret, .by = by, .login_exact = login_exact, .now = now, .uid = -1};

	return count_all(&c, outcome);
}

static void read_numbers(const struct json *o, const char *key, uint64_t *ret, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ret[i] = json_unsigned(json_at(o, key, i), NULL);
}

static int64_t read_time(const struct json *o, const char *key, int64_t unit)
{
	const uint64_t n = json_unsigned(o, key);

	return n < (uint64_t)(INT64_MAX / unit) ? (int64_t)n * unit : 0;
}

int top_add(struct top *top, const struct json *o, int64_t unit)
{
	const char *name = json_text(o, "group");
	size_t at;

	top->names.value_size = sizeof(struct top_group);
	int code = name ? labels_number(&top->names, name, 0, &at) : ERR_SYNTAX;
	if (code < 0)
		return code;
	struct top_group *g = (struct top_group *)top->names.values + at;
	g->count = json_unsigned(o, "count");
	g->bytes = json_unsigned(o, "bytes");
	g->oldest = read_time(o, "oldest", unit);
	g->newest = read_time(o, "newest", unit);
	read_numbers(o, "ages", g->ages, TOP_AGES);
	if (json_count(o, "came") == 0)
		return 0;
	g->came = g->came ?: calloc(CENSUS_CAME, sizeof(*g->came));
	if (!g->came)
		return -ENOMEM;
	read_numbers(o, "came", g->came, CENSUS_CAME);
	return 0;
}

int top_read(const struct json *answer, size_t most, struct top *ret)
{
	int code = 0;

	*ret = (struct top){0};
	for (size_t i = 0; code == 0 && i < json_count(answer, "list") && i < most; i++)
		code = top_add(ret, json_at(answer, "list", i), 1);
	if (code == 0)
		top_end(ret);
	uint64_t groups = json_unsigned(answer, "groups");
	ret->messages = json_unsigned(answer, "count");
	ret->bytes = json_unsigned(answer, "bytes");
	ret->more = groups > ret->count ? groups - ret->count : 0;
	return code;
}

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

static struct json *json_of(const struct top *top)
{
	struct json *o = json_new(), *list = json_new_array();

	json_put_int(o, "count", (int64_t)top->messages);
	json_put_int(o, "bytes", (int64_t)top->bytes);
	for (size_t i = 0; i < top->count; i++) {
		const struct top_group *g = &top->list[i];
		struct json *one = json_new();

		json_put_text(one, "group", g->name);
		json_put_int(one, "count", (int64_t)g->count);
		json_put_int(one, "bytes", (int64_t)g->bytes);
		json_put_int(one, "oldest", g->oldest);
		json_put_int(one, "newest", g->newest);
		json_put_ints(one, "ages", g->ages, TOP_AGES);
		json_append(list, one);
	}
	json_put(o, "list", list);
	return o;
}

/* Only mail_owner may read the defer logs, so the counting is done there. */
static int count_in_child(void *arg, struct bytes *out, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	struct counting *c = arg;
	int code = queue_open(c->logs.p, &c->logs.queue, err);

	if (code < 0)
		return code;
	code = count_all(c, c->logs.outcome);
	if (code == 0)
		code = json_write(&text, json_of(c->top));
	bytes_put_u64(out, c->logs.unread);
	bytes_put_text(out, c->logs.why_unread.text);
	bytes_put_blob(out, text.text, text.len);
	return code < 0 ? err_sys(err, ENOMEM, "failed to group reasons") : 0;
}

int top_of_reasons(const struct postfix *p, const struct outcome *outcome, int64_t now,
    struct top *ret, struct err *err)
{
	struct counting c = {
	    .top = ret, .by = TOP_REASON, .now = now, .logs = {.p = p, .outcome = outcome}};
	AUTO(blob_release) struct blob blob = {0};
	AUTO(json_release) struct json *answer = NULL;

	*ret = (struct top){0};
	int code = role_ask(&p->owner, p->stop, WHY_TIME_MAX, count_in_child, &c, &blob, err);
	if (code < 0)
		return code;
	struct reader r = reader_of(blob.at, blob.len);
	uint64_t unread = reader_u64(&r);
	const char *why_unread = reader_text(&r);
	struct span text = reader_blob(&r);
	if (!reader_done(&r) || json_parse(text.at, text.len, &answer, NULL) < 0 ||
	    top_read(answer, WHY_REASONS_MAX + 2, ret) < 0)
		return err_set(err, ERR_CHILD, "the reader of reasons ended early");
	ret->unread = unread;
	err_set(&ret->why_unread, 0, "%s", why_unread);
	return 0;
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
	for (size_t i = 0; i < top->names.count; i++)
		free(((struct top_group *)top->names.values)[i].came);
	labels_release(&top->names);
	*top = (struct top){0};
}
