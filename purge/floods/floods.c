/* SPDX-License-Identifier: ISC */
/* What the daemon knows of floods: asked for, marked, and turned into a selector. */
#include "purge/floods/floods.h"

#include <errno.h>

#include "base/clock.h"
#include "flood/flood.h"

static int ask(const struct session *s, struct json *request, struct json **ret, struct err *err)
{
	int code = client_ask(&s->client, request, WIRE_ANSWER_TIME, ret, err);

	if (code == ERR_NO_DAEMON || code == ERR_NO_INDEX)
		return err_set(err, code,
		    "the daemon does not run; it alone knows the floods (systemctl start "
		    "pqpurge-milter)");
	return code;
}

int floods_ask(const struct session *s, uint32_t id, bool all, struct json **ret, struct err *err)
{
	struct json *request = json_new(), *answer = NULL;

	json_put_text(request, "do", "floods");
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
	struct json *request = json_new();

	json_put_text(request, "do", "flood-mark");
	json_put_text(request, "mark", mark);
	json_put_int(request, "id", id);
	return ask(s, request, NULL, err);
}

/* ---- the selector */

/* The addresses that were folded to this key: with any tag, in any case. */
static int add_folded(struct selector *s, const char *key, struct err *err)
{
	const char *at = strrchr(key, '@');
	struct strbuf text = {0};
	struct pattern p = {0};

	if (strcmp(key, "<>") == 0)
		strbuf_puts(&text, "<>");
	else
		strbuf_putc(&text, '/');
	for (const char *c = key; strcmp(key, "<>") != 0 && *c; c++) {
		if (c == at)
			strbuf_puts(&text, str_starts(key, "srs@") ? "[01]=.*" : "([+=].*)?");
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *c))
			strbuf_printf(&text, "\\x%02x", (unsigned char)*c);
		else
			strbuf_putc(&text, *c);
	}
	if (strcmp(key, "<>") != 0)
		strbuf_puts(&text, "$/i");
	/* Anchored at both ends: an expression is tried at the start of the whole address. */
	if (text.len > 1 && text.text[0] == '/') {
		struct strbuf whole = {0};

		strbuf_printf(&whole, "/^%s", text.text + 1);
		strbuf_release(&text);
		text = whole;
	}
	int code = text.failed ? -ENOMEM : pattern_parse(text.text, &p, err);
	if (code == 0)
		code = pattern_set_add(&s->sender, &p);
	pattern_release(&p);
	strbuf_release(&text);
	return code;
}

static int add_domain(struct selector *s, const char *key, struct err *err)
{
	struct pattern p = {0};
	int code = strpbrk(key, "/@<") ? ERR_SYNTAX : pattern_parse(key, &p, err);

	if (code == 0 && p.kind != PATTERN_DOMAIN)
		code = ERR_SYNTAX;
	if (code == 0)
		code = pattern_set_add(&s->sender, &p);
	pattern_release(&p);
	return code;
}

static int add_key(struct selector *s, enum flood_kind kind, const char *key, struct err *err)
{
	switch (kind) {
	case FLOOD_LOGIN:
		if (*key == '@' || *key == '/')
			return err_set(err, ERR_USAGE, "login '%s' is written like a pattern", key);
		return selector_add_login(s, key);
	case FLOOD_CLIENT:
		return selector_add_client(s, key, err);
	case FLOOD_DOMAIN:
	case FLOOD_XDOMAIN:
		return add_domain(s, key, err);
	case FLOOD_BOUNCE: {
		struct pattern p = {0};
		int code = pattern_parse("<>", &p, err);

		if (code == 0)
			code = pattern_set_add(&s->sender, &p);
		pattern_release(&p);
		if (code == 0 && *key != '/' && pattern_parse(key, &p, err) == 0)
			code = pattern_set_add(&s->recipient, &p);
		pattern_release(&p);
		return code ? code : s->recipient.count ? 0 : ERR_SYNTAX;
	}
	default:
		if (strcmp(key, FLOOD_NEW_SENDERS) == 0)
			return err_set(err, ERR_USAGE,
			    "this flood is of many new senders, which no selector names");
		return add_folded(s, key, err);
	}
}

int floods_select(struct session *s, uint32_t id, struct err *err)
{
	struct selector *selector = &s->options.selector;
	struct json *answer = NULL;
	enum flood_kind kind = FLOOD_LOGIN;
	int code = floods_ask(s, id, false, &answer, err);

	if (code < 0)
		return code;
	const struct json *i = json_at(answer, "floods", 0);
	const char *word = json_text(i, "kind"), *key = json_text(i, "key");
	int64_t window = json_int(i, "window", 0), until = json_int(i, "until", 0);
	if (!word || !key || !*key || flood_kind_of(word, &kind) != 0 ||
	    json_bool(i, "key_cut", false) || window < 1 || window > INT64_MAX / USEC_PER_SEC / 2)
		code = err_set(err, ERR_USAGE, "the daemon says nothing usable of flood %u", id);
	else
		code = add_key(selector, kind, key, err);
	if (code < 0 && !err->text[0])
		err_set(err, ERR_USAGE, "flood %u has no key that can be selected", id);
	if (code == 0 && selector->arrived_after < window * USEC_PER_SEC)
		selector->arrived_after = window * USEC_PER_SEC;
	/* Whole seconds: the last one belongs to it. */
	if (code == 0 && until > 0 && !selector->arrived_before)
		selector->arrived_before = (until + 1) * USEC_PER_SEC;
	json_free(answer);
	return code;
}
