/* SPDX-License-Identifier: ISC */
/*
 * What the envelope reader (address_envelope.c) and the header From scanner (from.c) share: the two
 * halves of an address while they are read byte by byte, in bounded memory, and the ends of
 * comments and quoted strings.
 */
#ifndef PQPURGE_MAIL_ADDRESS_PARTS_H
#define PQPURGE_MAIL_ADDRESS_PARTS_H

#include "base/str.h"
#include "mail/address.h"
#include "mail/domain_text.h"

/* Of the local part the first bytes are kept: all that the normal form keeps. */
struct address_parts {
	char local[ADDRESS_LOCAL_MAX];
	size_t local_len;
	bool local_cut;
	struct domain_text domain;
};
void address_parts_clear(struct address_parts *p);
void address_parts_local(struct address_parts *p, char c);
void address_parts_domain(struct address_parts *p, char c);
/* "b@c" turns out to be a local part: '@' and the domain join it, the domain is empty again. */
void address_parts_join(struct address_parts *p);
void address_parts_build(const struct address_parts *p, struct address *ret);

/*
 * Puts an address together from a raw local part and a domain in normal form; domain_cut is what
 * domain_normal returned.
 */
void address_join(const char *local, size_t local_len, const struct domain *domain, bool domain_cut,
    struct address *ret);

/*
 * at is behind a '('. Where the comment ends, behind its ')'; NULL if it never does. Comments nest;
 * '\' escapes.
 */
const char *comment_end(const char *at, const char *end);
/* at is behind a '"'. The '"' that closes; NULL if none does. */
const char *quote_end(const char *at, const char *end);

#endif
