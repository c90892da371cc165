/* SPDX-License-Identifier: ISC */
/*
 * Domains as mail uses them. Pure functions on untrusted bytes; the only file that includes <idn2.h>.
 *
 * Normal form: A-labels (UTS #46 non-transitional, RFC 5891; ASCII without libidn2), lower case, one trailing dot dropped.
 * Where libidn2 refuses (bad punycode, "-bad", not UTF-8) the lower-cased raw bytes, so that such mail is still found
 * under what it said. Address literals (RFC 5321 4.1.3) are a class of their own: no labels, no subdomains.
 */
#ifndef PQPURGE_MAIL_DOMAIN_H
#define PQPURGE_MAIL_DOMAIN_H

#include "base/base.h"

#define DOMAIN_MAX 255 /* bytes of normal form; longer input is cut there (both when recorded and when asked) */

enum domain_kind {
	DOMAIN_NONE,    /* an address without a domain */
	DOMAIN_NULL,    /* the null sender */
	DOMAIN_NAME,    /* A-labels */
	DOMAIN_RAW,     /* what libidn2 refuses */
	DOMAIN_LITERAL, /* "[192.0.2.1]", "[ipv6:2001:db8::1]" */
};

struct domain {
	char text[DOMAIN_MAX + 1]; /* "" for NONE and NULL */
	enum domain_kind kind;
};

/* Brings len bytes to normal form. Never fails: any bytes have a class. Returns true if they had to be cut. */
bool domain_normal(const char *bytes, size_t len, struct domain *ret);

bool domain_equal(const struct domain *a, const struct domain *b);
/* Whether d lies strictly below parent, on a label boundary. Literals have nothing below. */
bool domain_below(const struct domain *d, const struct domain *parent);

/*
 * The author key: what mail is filed under. NAME and RAW: labels reversed, each with a dot ("com.example."), so that all
 * subdomains share a prefix; LITERAL as is; NULL "<>"; NONE "@". Past DOMAIN_KEY_MAX - 8 bytes cut and a 64-bit
 * hash of the whole added. Returns the length.
 */
#define DOMAIN_KEY_MAX 248
size_t domain_key(const struct domain *d, unsigned char key[DOMAIN_KEY_MAX]);

#endif
