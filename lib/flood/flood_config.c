/* SPDX-License-Identifier: ISC */
#include "flood/flood_config.h"

#include <sys/random.h>

#include "mail/selector/pattern.h"

_Static_assert((int)FLOOD_KINDS == SETTINGS_FLOOD_KINDS, "kinds in the same order");
_Static_assert((int)FLOOD_SIGNALS == SETTINGS_FLOOD_LIMITS + 1, "limits in the same order");
_Static_assert((int)FLOOD_REJECT == SETTINGS_FLOOD_ACTIONS - 1, "actions in the same order");

static void take_limits(struct flood_limits *l, const struct settings_flood *given)
{
	for (int n = 0; n < SETTINGS_FLOOD_LIMITS; n++)
		if (given->limits[n] >= 0)
			l->most[FLOOD_QUIET + 1 + n] = (uint32_t)given->limits[n];
	if (given->above > 0)
		l->above = given->above;
	if (given->act_at > 0)
		l->act_at = given->act_at;
}

static int take_exempt(struct flood_setup *s, const char *text, struct err *err)
{
	s->exempt_text = strdup(text ? text : "");
	if (!s->exempt_text)
		return err_sys(err, ENOMEM, "failed to keep flood_exempt");
	char *rest = s->exempt_text;
	for (char *item; (item = strsep(&rest, "\n"));) {
		if (!*item)
			continue;
		if (s->config.exempt_count == FLOOD_EXEMPT_MAX)
			return err_set(
			    err, ERR_LIMIT, "flood_exempt: at most %d", FLOOD_EXEMPT_MAX);
		int code = settings_exempt_parse(item, &s->exempt[s->config.exempt_count++], err);
		if (code)
			return code;
	}
	s->config.exempt = s->exempt;
	return 0;
}

int flood_setup_init(struct flood_setup *s, const struct settings *settings, struct err *err)
{
	*s = (struct flood_setup){0};
	memcpy(s->config.limits, flood_defaults, sizeof(s->config.limits));
	for (int k = 0; k < FLOOD_KINDS; k++)
		take_limits(&s->config.limits[k], &settings->flood[k]);
	if (getrandom(s->config.secret, sizeof(s->config.secret), 0) < 0)
		return err_sys(err, errno, "failed to get random bytes");
	int code = take_exempt(s, settings->flood_exempt, err);
	return code ? code : settings_own_networks(settings, &s->own, err);
}

void flood_setup_release(struct flood_setup *s)
{
	free(s->exempt_text);
	free(s->own.list);
	*s = (struct flood_setup){0};
}

bool flood_is_own(const struct flood_setup *s, const struct net_address *client)
{
	return net_is_loopback(client) || net_any_contains(s->own.list, s->own.count, client);
}

enum flood_action flood_action_of(const struct settings *settings, enum flood_kind kind)
{
	const struct settings_flood *f = &settings->flood[kind];
	bool wide = kind == FLOOD_DOMAIN || kind == FLOOD_XDOMAIN;

	if (f->action >= 0)
		return (enum flood_action)f->action;
	return kind == FLOOD_BOUNCE || (wide && !f->force) ? FLOOD_WARN : FLOOD_HOLD;
}

/* A sender may be called "/.*@x/" (an expression) or "login:joe@example.com" (another user's
 * login). */
static void put_address(const char *key, char *buf, size_t size)
{
	struct pattern p = {.kind = PATTERN_ADDRESS};
	AUTO(strbuf_release) struct strbuf text = {0};

	address_split(key, &p.address);
	pattern_canonical(&p, &text);
	if (!text.failed && text.len < size)
		snprintf(buf, size, "%s", strbuf_text(&text));
}

void flood_rule_pattern(const struct flood_incident *i, char *buf, size_t size)
{
	const char *at = strchr(i->key, '@');
	struct net_block block;

	buf[0] = '\0';
	if (i->key_cut)
		return;
	switch ((enum flood_kind)i->kind) {
	case FLOOD_LOGIN: /* a login that looks like a pattern would be one */
		if (i->key[0] != '@' && i->key[0] != '/')
			snprintf(buf, size, "login:%s", i->key);
		break;
	case FLOOD_CLIENT:
		if (net_parse_block(i->key, &block) == 0 && net_is_narrow(&block))
			snprintf(buf, size, "client:%s", i->key);
		break;
	case FLOOD_LOCAL:
	case FLOOD_SENDER: /* "srs@" and "*" stand for many senders */
		if (at && at != i->key && !str_starts(i->key, "srs@"))
			put_address(i->key, buf, size);
		break;
	default: /* a domain or an address literal */
		if (i->key[0] == '[' || !(i->key[0] == '.' || strpbrk(i->key, "/:@<\"")))
			snprintf(buf, size, "%s", i->key);
	}
}

bool flood_may_act(const struct settings *settings, const struct flood_incident *i)
{
	char pattern[FLOOD_KEY_MAX + 16];
	bool force = settings->flood[i->kind].force;

	flood_rule_pattern(i, pattern, sizeof(pattern));
	if (i->kind == FLOOD_BOUNCE || !pattern[0])
		return false;
	bool wide = i->kind == FLOOD_DOMAIN || i->kind == FLOOD_XDOMAIN || i->loopback;
	return force || !wide;
}
