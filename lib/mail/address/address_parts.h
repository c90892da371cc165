/* SPDX-License-Identifier: ISC */
/* An address while it is read byte by byte, and where comments and quoted strings end. Shared by
 * address_envelope.c and from.c. */
#pragma once

#include "base/str.h"
#include "mail/address/address.h"
#include "mail/address/domain_text.h"

/* Keeps the first bytes of the local part, as the normal form does. */
struct address_parts {
	char local[ADDRESS_LOCAL_MAX];
	size_t local_len;
	bool local_cut;
	struct domain_text domain;
};
void address_parts_clear(struct address_parts *p);
void address_parts_local(struct address_parts *p, char c);
/* "b@c" and another '@': moves '@' and the domain into the local part. */
void address_parts_join(struct address_parts *p);
void address_parts_build(const struct address_parts *p, struct address *ret);
/* A raw local part and a domain in normal form. domain_cut: what domain_normal returned. */
void address_join(const char *local, size_t local_len, const struct domain *domain, bool domain_cut,
    struct address *ret);
/* at: the byte after a '('. Returns the byte after its ')', or NULL. Comments nest; '\' escapes. */
const char *comment_end(const char *at, const char *end);
/* at: the byte after a '"'. Returns the closing '"', or NULL. */
const char *quote_end(const char *at, const char *end);
