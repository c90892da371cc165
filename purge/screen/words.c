/* SPDX-License-Identifier: ISC */
#include "purge/screen/words.h"

#include "base/net.h"
#include "mail/queue_id.h"
#include "mail/selector/pattern.h"

#define LOGIN_MAX 255

static bool is_domain(const char *name)
{
	AUTO(pattern_release) struct pattern p = {0};

	return pattern_parse(name, &p, NULL) == 0 && p.kind == PATTERN_DOMAIN &&
	       strcmp(p.address.domain.text, name) == 0;
}

/* Whether --login takes it for a name: '@' and '/' begin a domain or an expression. */
static bool is_login(const char *name)
{
	return *name && !strchr("@/", *name) && strlen(name) <= LOGIN_MAX && !str_has_control(name);
}

static bool is_client(const char *name)
{
	struct net_address address;

	return net_parse(name, &address) == 0;
}

static bool is_plain(enum group_kind kind, const char *name)
{
	if (kind == GROUP_LOGIN)
		return is_login(name);
	if (kind == GROUP_CLIENT)
		return is_client(name);
	return (kind == GROUP_SENDER && strcmp(name, "<>") == 0) || is_domain(name);
}

/* One word, so that a name that begins with '-' is still a value. */
static int push(struct strbuf *packed, const char *front, const char *name)
{
	AUTO(strbuf_release) struct strbuf word = {0};

	strbuf_printf(&word, "%s%s", front, name);
	strlist_push(packed, strbuf_text(&word), word.len);
	packed->failed |= word.failed;
	return packed->failed ? -ENOMEM : 0;
}

int words_select(enum group_kind kind, const char *name, struct strbuf *packed)
{
	char option[32];

	if (!is_plain(kind, name))
		return ERR_SYNTAX;
	snprintf(option, sizeof(option), "--%s=", group_word(kind));
	return push(packed, option, name);
}

int words_block(enum group_kind kind, const char *name, struct strbuf *packed)
{
	const char *front = kind == GROUP_LOGIN ? "login:" : kind == GROUP_CLIENT ? "client:" : "";

	if (kind == GROUP_RECIPIENT || !is_plain(kind, name))
		return ERR_SYNTAX;
	if (kind == GROUP_LOGIN && strpbrk(name, " \t\""))
		return ERR_SYNTAX;
	return push(packed, "--", "") ?: push(packed, front, name);
}

int words_id(const char *front, const char *id, struct strbuf *packed)
{
	struct queue_id parsed;

	if (queue_id_parse(id, strlen(id), &parsed) < 0)
		return ERR_SYNTAX;
	return push(packed, front, parsed.text);
}
