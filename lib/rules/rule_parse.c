/* SPDX-License-Identifier: ISC */
/* Reading a rule, from a line of the rules file or from the command's parts, see rule.h. */
#include <ctype.h>
#include <errno.h>

#include "base/str.h"
#include "rules/rule.h"
#include "rules/rule_own.h"

#define LOGIN_PREFIX  "login:"
#define CLIENT_PREFIX "client:"

static int set_login(struct rule *r, const char *subject, struct err *err)
{
	const char *login = subject + strlen(LOGIN_PREFIX);
	int rc;

	if (!*login)
		return err_set(err, ERR_SYNTAX, "no name after " LOGIN_PREFIX);
	if (strlen(login) > RULE_LOGIN_MAX)
		return err_set(err, ERR_SYNTAX, "login is longer than %d bytes", RULE_LOGIN_MAX);
	for (const char *c = login; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(err, ERR_SYNTAX, "control character in login");
	}
	r->kind = RULE_LOGIN;
	rc = rule_own(&r->subject, subject);
	return rc != 0 ? rc : rule_own(&r->key, login);
}

static int set_client(struct rule *r, const char *subject, struct err *err)
{
	const char *written = subject + strlen(CLIENT_PREFIX);
	char address[NET_TEXT_SIZE], whole[NET_TEXT_SIZE + 16];
	unsigned lead;
	int rc;

	if (net_parse_block(written, &r->block) != 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is no client address or network (192.0.2.1, 192.0.2.0/24, "
		    "2001:db8::/32; no bits below the mask)",
		    written);
	r->kind = RULE_CLIENT;
	net_text(&r->block.base, address);
	lead = r->block.base.family == 4 ? 96 : 0;
	if (r->block.bits == 128)
		snprintf(whole, sizeof(whole), CLIENT_PREFIX "%s", address);
	else
		snprintf(
		    whole, sizeof(whole), CLIENT_PREFIX "%s/%u", address, r->block.bits - lead);
	rc = rule_own(&r->subject, whole);
	return rc != 0 ? rc : rule_own(&r->key, "");
}

/* What mail is compared with; an expression is kept whole instead. */
static int set_key(struct rule *r, struct pattern *p)
{
	r->pattern_kind = p->kind;
	switch (p->kind) {
	case PATTERN_ADDRESS:
		str_lower_all(p->address.text, p->address.local_len);
		return rule_own(&r->key, p->address.text);
	case PATTERN_DOMAIN:
	case PATTERN_SUBDOMAINS:
	case PATTERN_WITHIN:
		return rule_own(&r->key, p->address.domain.text);
	case PATTERN_REGEX:
		r->regex = malloc(sizeof(*p));
		if (!r->regex)
			return -ENOMEM;
		*r->regex = *p;
		memset(p, 0, sizeof(*p));
		break;
	case PATTERN_NULL:
		break;
	}
	return rule_own(&r->key, "");
}

static int set_pattern(struct rule *r, const char *subject, struct err *err)
{
	struct strbuf canonical = {0};
	struct pattern p;
	int rc = pattern_parse(subject, &p, err);

	if (rc != 0)
		return rc;
	r->kind = RULE_PATTERN;
	pattern_canonical(&p, &canonical);
	rc = canonical.failed ? -ENOMEM : rule_own(&r->subject, strbuf_text(&canonical));
	if (rc == 0)
		rc = set_key(r, &p);
	strbuf_release(&canonical);
	pattern_release(&p);
	return rc;
}

static int set_subject(struct rule *r, const char *subject, struct err *err)
{
	if (str_starts(subject, LOGIN_PREFIX))
		return set_login(r, subject, err);
	if (str_starts(subject, CLIENT_PREFIX))
		return set_client(r, subject, err);
	return set_pattern(r, subject, err);
}

/* Digits of one part of an enhanced code (RFC 3463 2): 1 to 3; 0 where there are none or more. */
static size_t part_len(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len <= 3 ? len : 0;
}

/* Length of an enhanced status code at the front of text, as a word of its own; 0 if none. */
static size_t status_len(const char *text)
{
	size_t subject, detail;

	if (!isdigit((unsigned char)text[0]) || text[1] != '.')
		return 0;
	subject = part_len(text + 2);
	if (subject == 0 || text[2 + subject] != '.')
		return 0;
	detail = part_len(text + 3 + subject);
	if (detail == 0 || (text[3 + subject + detail] && text[3 + subject + detail] != ' '))
		return 0;
	return 3 + subject + detail;
}

/* Takes the enhanced code off *text, where the action sends one. */
static int take_status(struct rule *r, const char **text, struct err *err)
{
	char class = r->action == RULE_REJECT ? '5' : r->action == RULE_DEFER ? '4' : '\0';
	size_t len = class ? status_len(*text) : 0;

	if (len == 0)
		return 0;
	if ((*text)[0] != class)
		return err_set(err, ERR_SYNTAX, "status code %.*s does not fit %s (%c.x.x)",
		    (int)len, *text, rule_action_word(r->action), class);
	memcpy(r->status, *text, len);
	*text += len;
	*text += strspn(*text, " ");
	return 0;
}

static int set_text(struct rule *r, const char *text, struct err *err)
{
	int rc;

	for (const char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			return err_set(err, ERR_SYNTAX, "text must be printable ASCII");
	}
	text += strspn(text, " ");
	rc = take_status(r, &text, err);
	if (rc != 0)
		return rc;
	if (strlen(text) > RULE_TEXT_MAX)
		return err_set(err, ERR_SYNTAX, "text is longer than %d bytes", RULE_TEXT_MAX);
	return rule_own(&r->text, text);
}

int rule_make(const char *subject, enum rule_action action, const char *text, struct rule *ret,
    struct err *err)
{
	struct rule r = {.action = action};
	int rc = set_subject(&r, subject, err);

	if (rc == 0)
		rc = set_text(&r, text ? text : "", err);
	if (rc == 0)
		rc = rule_set_note(&r, NULL, NULL);
	if (rc == 0)
		*ret = r;
	else
		rule_release(&r);
	return rc;
}

/* Cuts the first word off *rest in place and skips the blanks behind it. */
static char *take_word(char **rest, size_t len)
{
	char *word = *rest;

	*rest += len;
	if (**rest)
		*(*rest)++ = '\0';
	*rest += strspn(*rest, " \t");
	return word;
}

/* An expression or quoted local part that is not closed has swallowed the action. */
static int no_action(const char *subject, struct err *err)
{
	struct rule r;
	int rc = rule_make(subject, RULE_OK, NULL, &r, err);

	if (rc != 0)
		return rc;
	rule_release(&r);
	return err_set(err, ERR_SYNTAX, "no action after '%s'", subject);
}

static int parse_parts(char *rest, struct rule *ret, struct err *err)
{
	const char *subject, *word;
	enum rule_action action;

	if (*rest == ' ' || *rest == '\t')
		return err_set(err, ERR_SYNTAX,
		    "a rule begins in the first column (there are no continuation lines)");
	subject = take_word(&rest, pattern_span(rest));
	word = take_word(&rest, strcspn(rest, " \t"));
	if (!*word)
		return no_action(subject, err);
	if (rule_action_of(word, &action) != 0)
		return err_set(err, ERR_SYNTAX,
		    "unknown action '%s' (REJECT, DEFER, HOLD, DISCARD, OK or WARN)", word);
	if (*rest == '#')
		return err_set(err, ERR_SYNTAX, "a comment takes a line of its own");
	return rule_make(subject, action, rest, ret, err);
}

int rule_parse(const char *line, struct rule *ret, struct err *err)
{
	char *copy = strdup(line);
	size_t len;
	int rc;

	if (!copy)
		return -ENOMEM;
	len = strlen(copy);
	while (len > 0 && (copy[len - 1] == ' ' || copy[len - 1] == '\t'))
		copy[--len] = '\0';
	rc = parse_parts(copy, ret, err);
	free(copy);
	return rc;
}
