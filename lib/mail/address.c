/* SPDX-License-Identifier: ISC */
/* Addresses in normal form: built, taken apart, compared. */
#include "mail/address_parts.h"

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
	bool cut;

	if (at) {
		domain_len -= (size_t)(at + 1 - domain);
		domain = at + 1;
	}
	cut = domain_normal(domain_len ? domain : "", domain_len, &normal);
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

bool address_equal(const struct address *a, const struct address *b)
{
	if (!domain_equal(&a->domain, &b->domain) || a->local_len != b->local_len)
		return false;
	for (size_t i = 0; i < a->local_len; i++)
		if (str_lower(a->text[i]) != str_lower(b->text[i]))
			return false;
	return true;
}
