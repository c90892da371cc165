/* SPDX-License-Identifier: ISC */
/*
 * Domains as mail uses them. Pure functions on untrusted bytes.
 *
 * Normal form: A-labels (UTS #46 non-transitional, RFC 5891), lower case, without trailing dots and
 * without characters that nobody sees (domain_text.h). Where libidn2 refuses, the lower-cased raw
 * bytes, so that such mail is still found under what it said. Address literals (RFC 5321 4.1.3) are
 * a class of their own: no labels, no subdomains.
 */
#ifndef PQPURGE_MAIL_DOMAIN_H
#define PQPURGE_MAIL_DOMAIN_H

#include "base/base.h"

#define DOMAIN_MAX 255 /* bytes of normal form */
/* More cannot spell a name of 253 characters (4 bytes each): it is not shown to libidn2. */
#define DOMAIN_INPUT_MAX 1012

enum domain_kind {
	DOMAIN_NONE,    /* an address without a domain */
	DOMAIN_NULL,    /* the null sender */
	DOMAIN_NAME,    /* A-labels */
	DOMAIN_RAW,     /* what libidn2 refuses, and what no host name could be */
	DOMAIN_LITERAL, /* "[192.0.2.1]", "[ipv6:2001:db8::1]" */
};

struct domain {
	char text[DOMAIN_MAX + 1]; /* "" for NONE and NULL */
	enum domain_kind kind;
};

/*
 * Brings len bytes to normal form. Never fails: any bytes have a class. Idempotent, kind included:
 * what was recorded is read again. A NAME is a host name: 1 to 63 of letters, digits, '-' and '_' a
 * label, no '-' at its ends, 253 in all. What is longer than DOMAIN_MAX is RAW, and cut at its
 * front behind a '*', so that the domains above it are still its own; returns true then.
 */
bool domain_normal(const char *bytes, size_t len, struct domain *ret);
/* The same without libidn2, which costs some 10 us: what is not ASCII, or punycode, is RAW. */
bool domain_unmapped(const char *bytes, size_t len, struct domain *ret);

bool domain_equal(const struct domain *a, const struct domain *b);
/* Whether d lies strictly below parent, on a label boundary. Literals have nothing below. */
bool domain_below(const struct domain *d, const struct domain *parent);

/*
 * The author key: what mail is filed under. NAME and RAW: labels reversed, each with a dot
 * ("com.example."), so that all subdomains share a prefix; LITERAL as is; NULL "<>"; NONE "@".
 * Only keys of NAME and RAW end with '.'. Returns the length.
 *
 * Past DOMAIN_KEY_PLAIN bytes the key is cut there and a 64-bit hash of the whole is added (the
 * record says the domain in full). A NUL behind a key ends it: shorter ones hold none, nor is there
 * one at byte DOMAIN_KEY_PLAIN. Unless keys are cut, d lies below p exactly where p's key begins
 * d's; else domain_below must decide.
 */
#define DOMAIN_KEY_PLAIN 240
#define DOMAIN_KEY_MAX   (DOMAIN_KEY_PLAIN + 8)
size_t domain_key(const struct domain *d, unsigned char key[DOMAIN_KEY_MAX]);

#endif
