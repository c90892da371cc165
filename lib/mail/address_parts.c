/* SPDX-License-Identifier: ISC */
/* An address while it is read. */
#include "mail/address_parts.h"

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

void address_parts_domain(struct address_parts *p, char c)
{
	domain_text_add(&p->domain, c);
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
