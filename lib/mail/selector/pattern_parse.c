/* SPDX-License-Identifier: ISC */
/* Refuses obvious mistakes, and says what to write. An odd address can be given as an
 * expression. */
#include "base/net.h"
#include "mail/selector/pattern.h"
#include "mail/selector/regex.h"

#define LABEL_MAX    63  /* RFC 1035, section 2.3.4 */
#define NAME_LEN_MAX 253 /* 255 octets on the wire */

/* Finds what closes text[0], past backslash pairs; NULL if nothing does. */
static const char *closing(const char *text)
{
	for (const char *p = text + 1; *p; p++) {
		if (*p == text[0])
			return p;
		if (*p == '\\' && p[1])
			p++;
	}
	return NULL;
}

size_t pattern_span(const char *line)
{
	const char *end = line;

	if (*line == '/' || *line == '"') {
		end = closing(line);
		if (!end)
			return strlen(line);
	}
	return (size_t)(end - line) + strcspn(end, " \t");
}

static int parse_regex(const char *text, struct pattern *p, struct err *err)
{
	const char *end = closing(text), *flag;
	bool caseless = false;

	if (!end)
		return err_set(err, ERR_SYNTAX, "expression %s is not closed by /", text);
	for (flag = end + 1; *flag == 'i'; flag++)
		caseless = true;
	if (*flag)
		return err_set(err, ERR_SYNTAX,
		    "unknown flag '%c' after expression %.*s (only i; a / inside is written \\/)",
		    *flag, (int)(end + 1 - text), text);
	if (end == text + 1)
		return err_set(err, ERR_SYNTAX, "empty expression //");
	if (end - text > PATTERN_REGEX_MAX)
		return err_set(
		    err, ERR_SYNTAX, "expression is longer than %d bytes", PATTERN_REGEX_MAX);
	p->kind = PATTERN_REGEX;
	int rc = regex_new(text + 1, (size_t)(end - text - 1), caseless, &p->regex, err);
	return rc == ERR_SYNTAX ? err_within(err, rc, "%s", text) : rc;
}

static int check_domain_bytes(const char *text, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == ',' || text[i] == ';')
			return err_set(err, ERR_SYNTAX,
			    "'%c' in pattern: give one pattern at a time", text[i]);
		if (text[i] == '*')
			return err_set(err, ERR_SYNTAX,
			    "no wildcards in a domain: write an expression, /.../");
		if (strchr(" \"<>()[]\\/:", text[i]))
			return err_set(err, ERR_SYNTAX,
			    "'%c' in domain (for such mail write an expression, /.../)", text[i]);
	}
	return 0;
}

static int check_labels(const char *name, struct err *err)
{
	size_t label;

	if (strlen(name) > NAME_LEN_MAX)
		return err_set(err, ERR_SYNTAX, "domain is longer than %d bytes", NAME_LEN_MAX);
	for (const char *p = name;; p += label + 1) {
		label = strcspn(p, ".");
		if (label == 0)
			return err_set(err, ERR_SYNTAX, "empty label in domain '%s'", name);
		if (label > LABEL_MAX)
			return err_set(err, ERR_SYNTAX, "label '%.*s' is longer than %d bytes",
			    (int)label, p, LABEL_MAX);
		if (!p[label])
			return 0;
	}
}

static int parse_literal(const char *text, size_t len, struct domain *ret, struct err *err)
{
	if (len < 3 || text[len - 1] != ']' || memchr(text + 1, '[', len - 1) ||
	    memchr(text, ']', len - 1) || memchr(text, ' ', len))
		return err_set(err, ERR_SYNTAX, "'%.*s' is not an address literal ([192.0.2.1])",
		    (int)len, text);
	if (domain_normal(text, len, ret) || ret->kind != DOMAIN_LITERAL)
		return err_set(err, ERR_SYNTAX, "address literal is too long");
	return 0;
}

/* text: what follows '@', or a whole domain pattern. */
static int parse_domain_part(const char *text, size_t len, struct domain *ret, struct err *err)
{
	if (len > 0 && text[0] == '[')
		return parse_literal(text, len, ret, err);
	int rc = check_domain_bytes(text, len, err);
	if (rc != 0)
		return rc;
	/* In mail such dots are dropped; in a pattern they are probably a mistake. */
	if (len >= 2 && text[len - 1] == '.' && text[len - 2] == '.')
		return err_set(err, ERR_SYNTAX, "empty label in domain '%s'", text);
	if (domain_normal(text, len, ret))
		return err_set(err, ERR_SYNTAX, "domain is longer than %d bytes", NAME_LEN_MAX);
	return check_labels(ret->text, err);
}

/* A domain that is probably meant as something else. */
static int check_spelling(const char *domain, const char *text, struct err *err)
{
	struct net_block block;

	if (net_parse_block(domain, &block) == 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is the address of a client, not a domain (option --client %s, in rules "
		    "client:%s; as an address literal [%s])",
		    text, text, text, text);
	if (str_starts(domain, "*."))
		return err_set(err, ERR_SYNTAX, "no wildcards: for the subdomains of %s write %s",
		    domain + 2, domain + 1);
	if (domain[0] == '-')
		return err_set(err, ERR_SYNTAX,
		    "domain '%s' begins with '-' (a mistyped option? For such mail write an "
		    "expression, /.../)",
		    text);
	if (domain[0] == '!')
		return err_set(err, ERR_SYNTAX,
		    "domain '%s' begins with '!' (nothing negates a pattern; for such mail write "
		    "an expression, /.../)",
		    text);
	return 0;
}

static int parse_domain(const char *text, struct pattern *p, struct err *err)
{
	int code = check_spelling(text, text, err);

	p->kind = text[0] == '.' ? PATTERN_SUBDOMAINS : PATTERN_DOMAIN;
	if (p->kind == PATTERN_DOMAIN) {
		code = code ?: parse_domain_part(text, strlen(text), &p->address.domain, err);
		/* The normal form lacks ignored bytes. */
		return code ?: check_spelling(p->address.domain.text, text, err);
	}
	if (text[1] == '[')
		return err_set(err, ERR_SYNTAX, "an address literal has no subdomains");
	return parse_domain_part(text + 1, strlen(text + 1), &p->address.domain, err);
}

static int build(
    const char *local, size_t len, const char *domain, struct pattern *p, struct err *err)
{
	address_build(local, len, domain, strlen(domain), &p->address);
	if (len > ADDRESS_LOCAL_MAX || p->address.cut)
		return err_set(
		    err, ERR_SYNTAX, "local part is longer than %d bytes", ADDRESS_LOCAL_MAX);
	return 0;
}

static int build_quoted(
    const char *text, const char *end, const char *domain, struct pattern *p, struct err *err)
{
	char local[ADDRESS_LOCAL_MAX + 1];
	size_t len = 0;

	for (const char *c = text + 1; c < end && len < sizeof(local); c++) {
		if (*c == '\\' && c + 1 < end)
			c++;
		local[len++] = *c;
	}
	return build(local, len, domain, p, err);
}

static int check_local(const char *text, const char *at, struct err *err)
{
	size_t len = (size_t)(at - text), odd = strcspn(text, " \"<>,;");

	if (len == 0 || (len == 1 && *text == '*'))
		return err_set(err, ERR_SYNTAX,
		    "for every address of the domain write %s, without '@'", at + 1);
	if (odd >= len)
		return 0;
	if (text[odd] == '<' || text[odd] == '>')
		return err_set(err, ERR_SYNTAX, "write the address without < and >");
	return err_set(
	    err, ERR_SYNTAX, "'%c' in the local part: write it quoted, \"...\"%s", text[odd], at);
}

static int parse_address(const char *text, struct pattern *p, struct err *err)
{
	const char *at = text[0] == '"' ? closing(text) : strrchr(text, '@');

	if (!at)
		return err_set(err, ERR_SYNTAX, "quoted local part is not closed");
	if (text[0] == '"' && *++at != '@')
		return err_set(err, ERR_SYNTAX, "no '@' after the quoted local part");
	if (!at[1])
		return err_set(err, ERR_SYNTAX, "no domain after '@'");
	int rc = text[0] == '"' ? 0 : check_local(text, at, err);
	if (rc != 0)
		return rc;
	if (at[1] == '.')
		return err_set(err, ERR_SYNTAX,
		    "an address has no subdomains: write %s, or an expression, /.../", at + 1);
	rc = parse_domain_part(at + 1, strlen(at + 1), &p->address.domain, err);
	if (rc != 0)
		return rc;
	p->kind = PATTERN_ADDRESS;
	return text[0] == '"' ? build_quoted(text, at - 1, at + 1, p, err)
			      : build(text, (size_t)(at - text), at + 1, p, err);
}

static int check_bytes(const char *text, struct err *err)
{
	if (!text[0])
		return err_set(err, ERR_SYNTAX, "empty pattern");
	if (str_has_control(text))
		return err_set(err, ERR_SYNTAX, "control character in pattern");
	if (strchr(text, ' ') && text[0] != '/' && text[0] != '"')
		return err_set(err, ERR_SYNTAX, "blank in pattern '%s'", text);
	return 0;
}

int pattern_parse(const char *text, struct pattern *ret, struct err *err)
{
	struct pattern p = {0};
	int rc = check_bytes(text, err);

	if (rc != 0)
		return rc;
	(void)domain_lacked_memory(); /* for another domain */
	if (text[0] == '/')
		rc = parse_regex(text, &p, err);
	else if (strcmp(text, "<>") == 0)
		p.kind = PATTERN_NULL;
	else if (text[0] == '"' || strchr(text, '@'))
		rc = parse_address(text, &p, err);
	else
		rc = parse_domain(text, &p, err);
	if (domain_lacked_memory())
		rc = -ENOMEM;
	if (rc == 0) {
		p.text = strdup(text);
		rc = p.text ? 0 : -ENOMEM;
	}
	if (rc == 0)
		*ret = p;
	else
		pattern_release(&p);
	return rc == -ENOMEM ? err_set(err, rc, "out of memory") : rc;
}

/* The expression compiled before, so only memory can fail. */
int pattern_ignore_case(struct pattern *p)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	struct pattern caseless = {0};

	if (p->kind != PATTERN_REGEX || p->text[strlen(p->text) - 1] == 'i')
		return 0;
	strbuf_printf(&text, "%si", p->text);
	int code = text.failed ? -ENOMEM : pattern_parse(text.text, &caseless, NULL);
	if (code < 0)
		return -ENOMEM;
	pattern_release(p);
	*p = caseless;
	return 0;
}
