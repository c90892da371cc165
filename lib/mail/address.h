/* SPDX-License-Identifier: ISC */
/*
 * Envelope addresses as Postfix reads them (smtpd/smtpd.c extract_addr, trivial-rewrite/rewrite.c
 * rewrite_tree, with swap_bangpath and allow_percent_hack at their default yes). Pure functions on
 * untrusted bytes.
 */
#ifndef PQPURGE_MAIL_ADDRESS_H
#define PQPURGE_MAIL_ADDRESS_H

#include "mail/domain.h"

#define ADDRESS_LOCAL_MAX 512 /* bytes of local part that are kept; RFC 5321 allows 64 */
#define ADDRESS_MAX       (ADDRESS_LOCAL_MAX + 1 + DOMAIN_MAX)

struct address {
	/*
	 * Normal form: the local part unquoted with its case kept, '@', the domain in normal form,
	 * which is after the last '@'. "" for the null sender; no '@' where there is no domain (but
	 * where the local part holds one, a last '@' ends it).
	 */
	char text[ADDRESS_MAX + 1];
	size_t local_len; /* of text */
	struct domain domain;
	bool cut; /* something was longer than its cap */
};

/*
 * Reads one argument of MAIL FROM or RCPT TO as a milter gets it: with or without <>, "" or NULL
 * for the null sender. Source route, comments and white space dropped; quoted local part (which may
 * hold '@') unquoted. No '@': "a!b" is b@a, "a%b" is a@b, else the domain is origin (NULL or "":
 * none). As in Postfix the decision falls on the internal form, where quotes are gone: <"a@b"> is
 * local part a at b. Never fails; of what smtpd refuses the rightmost piece counts that it would
 * call an address. Not done, since they depend on more of main.cf: append_dot_mydomain, canonical
 * and masquerade maps, and MAILER-DAEMON@$myorigin as the null sender.
 */
void address_envelope(const char *argument, const char *origin, struct address *ret);

/* Splits text in normal form, or in Postfix's internal form (S and R records of a queue file). */
void address_split(const char *normal, struct address *ret);

/* Same domain, and local parts equal without ASCII case. */
bool address_equal(const struct address *a, const struct address *b);

/*
 * Builds the normal form from raw bytes. A domain that holds '@' counts from its last one; nothing
 * at all is the null sender; NUL becomes '?'.
 */
void address_build(const char *local, size_t local_len, const char *domain, size_t domain_len,
    struct address *ret);

#endif
