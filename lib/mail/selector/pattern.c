/* SPDX-License-Identifier: ISC */
#include "mail/selector/pattern.h"

#include "mail/selector/regex.h"

void pattern_release(struct pattern *p)
{
	regex_free(p->regex);
	free(p->text);
	memset(p, 0, sizeof(*p));
}

void pattern_include_subdomains(struct pattern *p)
{
	if (p->kind == PATTERN_DOMAIN && p->address.domain.kind != DOMAIN_LITERAL)
		p->kind = PATTERN_WITHIN;
}

struct pattern_subject pattern_subject_of(const char *normal)
{
	const char *at = strrchr(normal, '@');
	struct pattern_subject s = {.text = normal, .len = strlen(normal)};

	s.domain = at ? at + 1 : normal + s.len;
	return s;
}

struct pattern_subject pattern_subject_of_login(const char *login)
{
	return (struct pattern_subject){.text = login, .len = strlen(login), .domain = ""};
}

int pattern_match_subject(const struct pattern *p, const struct pattern_subject *s)
{
	const char *domain = p->address.domain.text;

	switch (p->kind) {
	case PATTERN_ADDRESS:
		return address_same(p->address.text, s->text);
	case PATTERN_DOMAIN:
		return strcmp(s->domain, domain) == 0;
	case PATTERN_SUBDOMAINS:
		return domain_ends_with(s->domain, domain);
	case PATTERN_WITHIN:
		return strcmp(s->domain, domain) == 0 || domain_ends_with(s->domain, domain);
	case PATTERN_NULL:
		return s->len == 0;
	case PATTERN_REGEX:
		return s->len == 0 ? regex_match(p->regex, "<>", 2)
				   : regex_match(p->regex, s->text, s->len);
	}
	return 0;
}

int pattern_match_text(const struct pattern *p, const char *text, size_t len, bool cut)
{
	return cut ? regex_match_start(p->regex, text, len) : regex_match(p->regex, text, len);
}

int pattern_match(const struct pattern *p, const struct address *address)
{
	struct pattern_subject s = pattern_subject_of(address->text);

	return pattern_match_subject(p, &s);
}

static bool needs_quotes(const char *local, size_t len)
{
	if (len == 0 || local[0] == '/' || local[0] == '#' || (len == 1 && local[0] == '*'))
		return true;
	for (size_t i = 0; i < len; i++)
		if (strchr(" \"<>,;:", local[i]))
			return true;
	return false;
}

static void put_local(const char *local, size_t len, struct strbuf *out)
{
	bool quotes = needs_quotes(local, len);

	if (quotes)
		strbuf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (quotes && (local[i] == '"' || local[i] == '\\'))
			strbuf_putc(out, '\\');
		strbuf_putc(out, str_lower(local[i]));
	}
	if (quotes)
		strbuf_putc(out, '"');
}

void pattern_canonical(const struct pattern *p, struct strbuf *out)
{
	if (p->kind == PATTERN_ADDRESS) {
		put_local(p->address.text, p->address.local_len, out);
		strbuf_putc(out, '@');
	} else if (p->kind == PATTERN_SUBDOMAINS) {
		strbuf_putc(out, '.');
	}
	if (p->kind == PATTERN_NULL || p->kind == PATTERN_REGEX)
		strbuf_puts(out, p->text);
	else
		strbuf_puts(out, p->address.domain.text);
}

bool pattern_looks_like(const char *word)
{
	return strpbrk(word, ".@/[") || strcmp(word, "<>") == 0;
}
