/* SPDX-License-Identifier: ISC */
#include "base/str.h"
#include "rules/rule.h"

#define CLIENT_PREFIX "client:"

static int unquote(const char *login, struct strbuf *into, struct err *err)
{
	const char *c = login;

	if (*login != '"') {
		strbuf_puts(into, login);
		return 0;
	}
	for (c++; *c && *c != '"'; c++) {
		if (*c == '\\' && c[1])
			c++;
		strbuf_putc(into, *c);
	}
	return *c && !c[1] ? 0 : err_set(err, ERR_SYNTAX, "the quoted login is not closed");
}

/* Quotes a login that would end at a blank or read as something else. */
static void put_login(const char *login, struct strbuf *out)
{
	bool quotes = strpbrk(login, " \"") || *login == '@' || *login == '/';

	strbuf_puts(out, RULE_LOGIN_PREFIX);
	if (quotes)
		strbuf_putc(out, '"');
	for (const char *c = login; *c; c++) {
		if (quotes && (*c == '"' || *c == '\\'))
			strbuf_putc(out, '\\');
		strbuf_putc(out, *c);
	}
	if (quotes)
		strbuf_putc(out, '"');
}

static int check_login(const char *login, struct err *err)
{
	if (!*login)
		return err_set(err, ERR_SYNTAX, "no name after " RULE_LOGIN_PREFIX);
	if (strlen(login) > RULE_LOGIN_MAX)
		return err_set(err, ERR_SYNTAX, "login is longer than %d bytes", RULE_LOGIN_MAX);
	if (str_has_control(login))
		return err_set(err, ERR_SYNTAX, "control character in login");
	return 0;
}

static int set_login_name(struct rule *r, const char *written, struct err *err)
{
	AUTO(strbuf_release) struct strbuf name = {0}, whole = {0};
	int rc = unquote(written, &name, err);

	r->class = CLASS_LOGIN;
	rc = rc ?: check_login(strbuf_text(&name), err);
	put_login(strbuf_text(&name), &whole);
	if (rc == 0)
		rc = name.failed || whole.failed ? -ENOMEM : rule_own(&r->key, name.text);
	rc = rc ?: rule_own(&r->subject, whole.text);
	return rc;
}

static int set_key(struct rule *r, struct pattern *p)
{
	static const enum rule_class classes[] = {
	    [PATTERN_ADDRESS] = CLASS_ADDRESS,
	    [PATTERN_DOMAIN] = CLASS_DOMAIN,
	    [PATTERN_SUBDOMAINS] = CLASS_SUBDOMAINS,
	    [PATTERN_NULL] = CLASS_NULL,
	    [PATTERN_REGEX] = CLASS_REGEX,
	};
	const char *key = p->kind == PATTERN_ADDRESS ? p->address.text : p->address.domain.text;

	r->class = classes[p->kind];
	str_lower_all(p->address.text, p->address.local_len);
	int rc = rule_own(&r->key, key);
	return rc == 0 && p->kind == PATTERN_REGEX ? rule_own_regex(r, p) : rc;
}

static int set_login_pattern(struct rule *r, struct pattern *p, struct err *err)
{
	if (p->kind == PATTERN_DOMAIN || p->kind == PATTERN_REGEX) {
		int rc = set_key(r, p);

		r->class = r->regex ? CLASS_LOGIN_REGEX : CLASS_LOGIN_DOMAIN;
		return rc;
	}
	return err_set(err, ERR_SYNTAX,
	    "'%s' is not a domain (" RULE_LOGIN_PREFIX
	    "@example.com means all logins of that domain)",
	    p->text);
}

static int set_login(struct rule *r, const char *subject, struct err *err)
{
	const char *login = subject + strlen(RULE_LOGIN_PREFIX);
	bool is_domain = *login == '@';
	AUTO(strbuf_release) struct strbuf whole = {0};
	struct pattern p;

	if (!is_domain && *login != '/')
		return set_login_name(r, login, err);
	int rc = pattern_parse(login + is_domain, &p, err);
	if (rc != 0)
		return rc;
	rc = set_login_pattern(r, &p, err);
	pattern_release(&p);
	if (rc != 0 || !is_domain)
		return rc != 0 ? rc : rule_own(&r->subject, subject);
	strbuf_printf(&whole, RULE_LOGIN_PREFIX "@%s", r->key);
	rc = whole.failed ? -ENOMEM : rule_own(&r->subject, strbuf_text(&whole));
	return rc;
}

static int set_client(struct rule *r, const char *subject, struct err *err)
{
	const char *written = subject + strlen(CLIENT_PREFIX);
	char block[NET_BLOCK_TEXT_SIZE], whole[NET_BLOCK_TEXT_SIZE + 16];

	if (net_parse_block(written, &r->block) != 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is not a client address or network (192.0.2.1, 192.0.2.0/24, "
		    "2001:db8::/32; no bits below the mask)",
		    written);
	r->class = CLASS_CLIENT;
	snprintf(whole, sizeof(whole), CLIENT_PREFIX "%s", net_block_text(&r->block, block));
	int rc = rule_own(&r->subject, whole);
	return rc != 0 ? rc : rule_own(&r->key, "");
}

static int set_pattern(struct rule *r, const char *subject, struct err *err)
{
	AUTO(strbuf_release) struct strbuf canonical = {0};
	struct pattern p;
	int rc = pattern_parse(subject, &p, err);

	if (rc != 0)
		return rc;
	pattern_canonical(&p, &canonical);
	if (*strbuf_text(&canonical) == '#') /* in the file it would be a comment */
		rc = err_set(err, ERR_SYNTAX,
		    "'%s' begins with '#' (for such mail write an expression, /.../)", subject);
	else
		rc = canonical.failed ? -ENOMEM : rule_own(&r->subject, strbuf_text(&canonical));
	rc = rc ?: set_key(r, &p);
	pattern_release(&p);
	return rc;
}

static int set_subject(struct rule *r, const char *subject, struct err *err)
{
	if (str_starts(subject, RULE_LOGIN_PREFIX))
		return set_login(r, subject, err);
	if (str_starts(subject, CLIENT_PREFIX))
		return set_client(r, subject, err);
	return set_pattern(r, subject, err);
}

static int take_status(struct rule *r, const char **text, struct err *err)
{
	char class = r->action == RULE_REJECT ? '5' : r->action == RULE_DEFER ? '4' : '\0';
	size_t len = class ? str_status_len(*text) : 0;

	if (len == 0 || ((*text)[len] && (*text)[len] != ' '))
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
	char kept[RULE_TEXT_MAX + 1];

	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return err_set(err, ERR_SYNTAX, "text must be printable ASCII");
	text += strspn(text, " ");
	int rc = take_status(r, &text, err);
	if (rc != 0)
		return rc;
	size_t len = strlen(text);
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len > RULE_TEXT_MAX)
		return err_set(err, ERR_SYNTAX, "text is longer than %d bytes", RULE_TEXT_MAX);
	memcpy(kept, text, len);
	kept[len] = '\0';
	return rule_own(&r->text, kept);
}

int rule_make(const char *subject, enum rule_action action, const char *text, struct rule *ret,
    struct err *err)
{
	struct rule r = {.action = action};
	int rc = set_subject(&r, subject, err);

	if (rc == 0)
		rc = set_text(&r, text ? text : "", err);
	rc = rc ?: rule_set_note(&r, NULL, NULL, err);
	if (rc == 0)
		*ret = r;
	else
		rule_release(&r);
	return rc;
}

/* Cuts a word of len bytes off *rest, in place, with the blanks after it. */
static char *take_word(char **rest, size_t len)
{
	char *word = *rest;

	*rest += len;
	if (**rest)
		*(*rest)++ = '\0';
	*rest += strspn(*rest, " \t");
	return word;
}

/* Expressions and quotes may contain blanks, also after `login:`. */
static size_t subject_span(const char *line)
{
	size_t prefix = str_starts(line, RULE_LOGIN_PREFIX) ? strlen(RULE_LOGIN_PREFIX) : 0;

	return prefix + pattern_span(line + prefix);
}

/* An unclosed expression or local part may have swallowed the action. */
static int no_action(const char *subject, struct err *err)
{
	struct rule r;
	int rc = rule_make(subject, RULE_OK, NULL, &r, err);

	if (rc != 0)
		return rc;
	rule_release(&r);
	return err_set(err, ERR_SYNTAX, "no action after '%s'", subject);
}

int rule_split(char *line, const char **ret_subject, enum rule_action *ret_action, char **ret_rest,
    struct err *err)
{
	char *rest = line;

	if (*rest == ' ' || *rest == '\t')
		return err_set(err, ERR_SYNTAX,
		    "a rule begins in the first column (there are no continuation lines)");
	const char *subject = take_word(&rest, subject_span(rest));
	const char *word = take_word(&rest, strcspn(rest, " \t"));
	if (!*word)
		return no_action(subject, err);
	if (rule_action_of(word, ret_action) != 0)
		return err_set(err, ERR_SYNTAX,
		    "unknown action '%s' (REJECT, DEFER, HOLD, DISCARD, OK or WARN)", word);
	*ret_subject = subject;
	*ret_rest = rest;
	return 0;
}

int rule_parse(const char *line, struct rule *ret, struct err *err)
{
	char *copy = strdup(line), *rest = copy;
	enum rule_action action = RULE_OK;
	const char *subject = "";

	if (!copy)
		return -ENOMEM;
	size_t len = strlen(copy);
	while (len > 0 && (copy[len - 1] == ' ' || copy[len - 1] == '\t'))
		copy[--len] = '\0';
	int rc = rule_split(copy, &subject, &action, &rest, err);
	if (rc == 0 && *rest == '#')
		rc = err_set(err, ERR_SYNTAX, "a comment takes a line of its own");
	rc = rc ?: rule_make(subject, action, rest, ret, err);
	free(copy);
	return rc;
}
