/* SPDX-License-Identifier: ISC */
#include "mail/address/address_parts.h"

void address_join(const char *local, size_t local_len, const struct domain *domain, bool domain_cut,
    struct address *ret)
{
	size_t n = local_len > ADDRESS_LOCAL_MAX ? ADDRESS_LOCAL_MAX : local_len;
	size_t domain_len = strlen(domain->text);
	char *end = ret->text + n;

	memcpy(ret->domain.text, domain->text, domain_len + 1);
	ret->domain.kind = n == 0 && domain->kind == DOMAIN_NONE ? DOMAIN_NULL : domain->kind;
	ret->cut = domain_cut || n < local_len;
	ret->local_len = n;
	for (size_t i = 0; i < n; i++)
		ret->text[i] = local[i] ? local[i] : '?';
	if (domain_len > 0 || memchr(ret->text, '@', n))
		*end++ = '@';
	memcpy(end, domain->text, domain_len + 1);
}

void address_build(
    const char *local, size_t local_len, const char *domain, size_t domain_len, struct address *ret)
{
	const char *at = domain_len ? memrchr(domain, '@', domain_len) : NULL;
	struct domain normal;

	if (at) {
		domain_len -= (size_t)(at + 1 - domain);
		domain = at + 1;
	}
	bool cut = domain_normal(domain_len ? domain : "", domain_len, &normal);
	address_join(local, local_len, &normal, cut || at != NULL, ret);
}

void address_split(const char *normal, struct address *ret)
{
	const char *at = strrchr(normal, '@');

	if (at)
		address_build(normal, (size_t)(at - normal), at + 1, strlen(at + 1), ret);
	else
		address_build(normal, strlen(normal), "", 0, ret);
}

void address_parts_clear(struct address_parts *p)
{
	p->local_len = 0;
	p->local_cut = false;
	domain_text_clear(&p->domain);
}

void address_parts_local(struct address_parts *p, char c)
{
	if (p->local_len == sizeof(p->local))
		p->local_cut = true;
	else
		p->local[p->local_len++] = c;
}

void address_parts_join(struct address_parts *p)
{
	address_parts_local(p, '@');
	for (size_t i = 0; i < p->domain.len; i++)
		address_parts_local(p, p->domain.at[i]);
	domain_text_clear(&p->domain);
}

void address_parts_build(const struct address_parts *p, struct address *ret)
{
	address_build(p->local, p->local_len, p->domain.at, p->domain.len, ret);
	if (p->local_cut)
		ret->cut = true;
}

const char *comment_end(const char *at, const char *end)
{
	size_t depth = 1;

	for (; at < end; at++) {
		if (*at == '(')
			depth++;
		else if (*at == ')' && --depth == 0)
			return at + 1;
		else if (*at == '\\')
			at++;
	}
	return NULL;
}

const char *quote_end(const char *at, const char *end)
{
	for (; at < end; at++) {
		if (*at == '"')
			return at;
		if (*at == '\\')
			at++;
	}
	return NULL;
}
