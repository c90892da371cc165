/* SPDX-License-Identifier: ISC */
/* Envelope addresses as Postfix reads them (smtpd/smtpd.c extract_addr, trivial-rewrite/rewrite.c
 * rewrite_tree), if swap_bangpath and allow_percent_hack have their default, yes. */
#pragma once

#include "base/str.h"
#include "mail/address/domain.h"

#define ADDRESS_LOCAL_MAX 512 /* bytes of the local part that are kept; RFC 5321 allows 64 */
#define ADDRESS_MAX       (ADDRESS_LOCAL_MAX + 1 + DOMAIN_MAX)

struct address {
	/* Normal form: the local part unquoted, with its case kept; '@'; the domain in normal form.
	 * The domain follows the last '@'. "" is the null sender. Without a domain there is no '@',
	 * unless the local part contains one: then an '@' is added at the end. */
	char text[ADDRESS_MAX + 1];
	size_t local_len; /* in text */
	struct domain domain;
	bool cut; /* a part was longer than its cap */
};

/* Reads an argument of MAIL FROM or RCPT TO, with or without <>. "" or NULL is the null sender.
 * Drops source route, comments and white space; unquotes the local part.
 *
 * Without '@', "a!b" becomes b@a, and "a%b" becomes a@b. Any other address gets the domain origin
 * (NULL or "": none). As in Postfix, quotes are removed first: <"a@b"> is local part a at b.
 *
 * Never fails: if smtpd would refuse the argument, the rightmost piece that it would call an
 * address counts. Ignores append_dot_mydomain, canonical and masquerade maps, and does not take
 * MAILER-DAEMON@$myorigin for the null sender. */
void address_envelope(const char *argument, const char *origin, struct address *ret);
/* The same for an address that smtpd has unquoted, as policy services get it. Out of memory: as
 * address_split. */
void address_unquoted(const char *text, const char *origin, struct address *ret);
/* Splits an address in normal form or in Postfix's internal form (S and R records). */
void address_split(const char *normal, struct address *ret);
/* Whether two texts in normal form are one address. The case of the local part is ignored. */
static inline bool address_same(const char *a, const char *b)
{
	return str_equal_nocase(a, b);
}
/* Raw bytes to normal form. If the domain contains '@', the part after the last one counts. NUL
 * becomes '?'. */
void address_build(const char *local, size_t local_len, const char *domain, size_t domain_len,
    struct address *ret);
