/* SPDX-License-Identifier: ISC */
#include "purge/floods/floods.h"

#include <ctype.h>

#include "base/clock.h"
#include "flood/flood.h"
#include "purge/door/behalf.h"
#include "purge/rules/blocking.h"
#include "purge/tell/say.h"

#define MOST_SECONDS (INT64_MAX / USEC_PER_SEC / 2)

static int ask(const struct session *s, struct json *request, struct json **ret, struct err *err)
{
	int code = client_ask(&s->client, request, WIRE_ANSWER_TIME, ret, err);

	if (code == ERR_NO_DAEMON || code == ERR_NO_INDEX)
		return err_set(err, code,
		    "the daemon does not run, and only the daemon knows the floods; "
		    "'pqpurge-idx status' says how to start it");
	return code;
}

int floods_ask(const struct session *s, uint32_t id, bool all, struct json **ret, struct err *err)
{
	struct json *request = json_request("floods"), *answer = NULL;

	json_put_bool(request, "all", all);
	json_put_bool(request, "large", true);
	if (id)
		json_put_int(request, "id", id);
	int code = ask(s, request, &answer, err);
	if (code == 0 && id && json_count(answer, "floods") == 0) {
		json_free(answer);
		return err_set(err, ERR_USAGE,
		    "there is no flood %u; 'pqpurge-idx floods --all' lists them", id);
	}
	if (code == 0)
		*ret = answer;
	return code;
}

int floods_mark(const struct session *s, uint32_t id, const char *mark, struct err *err)
{
	struct json *request = json_request("flood-mark");

	json_put_text(request, "mark", mark);
	json_put_int(request, "id", id);
	return ask(s, request, NULL, err);
}

void floods_named(const struct session *s, const struct rule_list *rules)
{
	struct json *request = json_request("flood-named"), *answer = NULL;
	struct strbuf subjects = {0};
	struct err ignored;
	int64_t count;

	for (size_t n = 0; n < rules->count; n++)
		strlist_push(&subjects, rules->list[n].subject, strlen(rules->list[n].subject));
	json_put_packed(request, "subjects", &subjects);
	if (client_ask(&s->client, request, WIRE_ANSWER_TIME, &answer, &ignored) < 0)
		return;
	count = json_int(answer, "marked", 0);
	json_free(answer);
	if (count > 0 && !s->options.quiet && !s->options.json)
		say(stdout, "%" PRId64 " open %s marked as bad: nothing of it is learned.\n", count,
		    count == 1 ? "flood is" : "floods are");
}

void floods_selected(const struct session *s)
{
	const struct options *o = &s->options;
	const struct block_terms terms = {.action = RULE_REJECT, .reason = "", .author = ""};
	AUTO(rule_list_release) struct rule_list plan = {0};
	struct err ignored;

	if (o->flood && floods_mark(s, o->flood, "bad", &ignored) == 0 && !o->quiet && !o->json)
		say(stdout, "Flood %u is marked as bad: nothing of it is learned.\n",
		    (unsigned)o->flood);
	else if (!o->flood && block_plan_selector(&plan, &o->selector, &terms, &ignored) == 0)
		floods_named(s, &plan);
}

/* An expression for the addresses that fold to this key: with any tag, in any case. */
static void put_folded(struct strbuf *text, const char *key)
{
	const char *at = strrchr(key, '@');

	strbuf_puts(text, "/^");
	for (const char *c = key; *c; c++) {
		if (c == at)
			strbuf_puts(text, str_starts(key, "srs@") ? "[01]=.*" : "([+=].*)?");
		if (isalnum((unsigned char)*c))
			strbuf_putc(text, *c);
		else
			strbuf_printf(text, "\\x%02x", (unsigned char)*c);
	}
	strbuf_puts(text, "$/i");
}

static int add_folded(struct pattern_set *set, const char *key, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	if (strcmp(key, "<>") == 0)
		return pattern_set_parse(set, key, err);
	put_folded(&text, key);
	return text.failed ? -ENOMEM : pattern_set_parse(set, text.text, err);
}

static int add_domain(struct selector *s, const char *key, struct err *err)
{
	AUTO(pattern_release) struct pattern p = {0};
	int code = strpbrk(key, "/@<") ? ERR_SYNTAX : pattern_parse(key, &p, err);

	if (code == 0 && p.kind != PATTERN_DOMAIN)
		code = ERR_SYNTAX;
	return code ?: pattern_set_add(&s->sender, &p);
}

/* Bounces to one recipient. */
static int add_bounces(struct selector *s, const char *key, struct err *err)
{
	int code = pattern_set_parse(&s->sender, "<>", err);

	return code ?: add_folded(&s->recipient, key, err);
}

static int add_key(struct selector *s, enum flood_kind kind, const char *key, struct err *err)
{
	struct net_block block;

	switch (kind) {
	case FLOOD_LOGIN:
		if (*key == '@' || *key == '/')
			return err_set(err, ERR_USAGE, "login '%s' is written like a pattern", key);
		return selector_add_login(s, key);
	case FLOOD_CLIENT:
		if (net_parse_block(key, &block) < 0 || !net_is_narrow(&block))
			return err_set(err, ERR_USAGE, "'%s' is not a narrow network", key);
		return selector_add_client(s, key, err);
	case FLOOD_DOMAIN:
	case FLOOD_XDOMAIN:
		return add_domain(s, key, err);
	case FLOOD_BOUNCE:
		return add_bounces(s, key, err);
	default:
		if (strcmp(key, FLOOD_NEW_SENDERS) == 0)
			return err_set(err, ERR_USAGE,
			    "this flood has many new senders, which no selector can name");
		return add_folded(&s->sender, key, err);
	}
}

struct meaning {
	enum flood_kind kind;
	int64_t window, until; /* wall seconds; until 0: still open */
	const char *key;
};

static bool is_usable(const struct meaning *m)
{
	return m->key && *m->key && m->window >= 1 && m->window <= MOST_SECONDS && m->until >= 0 &&
	       m->until <= MOST_SECONDS;
}

static int of_incident(const struct json *i, struct meaning *m)
{
	const char *word = json_text(i, "kind");

	m->key = json_bool(i, "key_cut", false) ? NULL : json_text(i, "key");
	m->window = json_int(i, "window", 0);
	m->until = json_int(i, "until", 0);
	return word && flood_kind_of(word, &m->kind) == 0 && is_usable(m) ? 0 : ERR_SYNTAX;
}

/* "KIND:WINDOW:UNTIL:KEY" */
static int of_text(const char *text, struct meaning *m)
{
	char kind[16];
	int at = 0;

	if (sscanf(text, "%15[a-z]:%" SCNd64 ":%" SCNd64 ":%n", kind, &m->window, &m->until, &at) !=
		3 ||
	    at == 0)
		return ERR_SYNTAX;
	m->key = text + at;
	return flood_kind_of(kind, &m->kind) == 0 && is_usable(m) ? 0 : ERR_SYNTAX;
}

/* The client of the order door runs its order in another process. */
static void tell_client(const struct session *s, const struct meaning *m)
{
	struct behalf_answer *answer = s->behalf ? s->behalf->answer : NULL;

	if (answer)
		snprintf(answer->flood, sizeof(answer->flood), "%s:%" PRId64 ":%" PRId64 ":%s",
		    flood_kind_word(m->kind), m->window, m->until, m->key);
}

static int apply(struct session *s, const struct meaning *m, struct err *err)
{
	struct selector *selector = &s->options.selector;
	int code = add_key(selector, m->kind, m->key, err);

	if (code < 0)
		return err->text[0]
			   ? code
			   : err_set(err, ERR_USAGE, "this flood has no key that can be selected");
	if (selector->arrived_after < m->window * USEC_PER_SEC)
		selector->arrived_after = m->window * USEC_PER_SEC;
	/* whole seconds, and the last one is included */
	if (m->until > 0 && !selector->arrived_before)
		selector->arrived_before = (m->until + 1) * USEC_PER_SEC;
	tell_client(s, m);
	return 0;
}

int floods_select_of(struct session *s, const struct json *incident, struct err *err)
{
	const char *text = s->options.flood_meaning;
	struct meaning m = {0};

	if ((text ? of_text(text, &m) : of_incident(incident, &m)) < 0)
		return err_set(err, ERR_USAGE,
		    text ? "'%s' is not the meaning of a flood"
			 : "the daemon gives no usable answer about this flood",
		    text);
	return apply(s, &m, err);
}

int floods_select(struct session *s, uint32_t id, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	int code = s->options.flood_meaning ? 0 : floods_ask(s, id, false, &answer, err);

	return code ?: floods_select_of(s, json_at(answer, "floods", 0), err);
}
