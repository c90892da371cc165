/* SPDX-License-Identifier: ISC */
/*
 * Domains as mail uses them. Pure functions on untrusted bytes; the only file that includes
 * <idn2.h>.
 *
 * Normal form: A-labels (UTS #46 non-transitional, RFC 5891; ASCII without libidn2), lower case,
 * without trailing dots and without characters that nobody sees (domain_text.h). Where libidn2
 * refuses (bad punycode, "-bad", not UTF-8) the lower-cased raw bytes, so that such mail is still
 * found under what it said. Address literals (RFC 5321 4.1.3) are a class of their own: no labels,
 * no subdomains.
 */
#ifndef PQPURGE_MAIL_DOMAIN_H
#define PQPURGE_MAIL_DOMAIN_H

#include "base/base.h"

#define DOMAIN_MAX 255 /* bytes of normal form */
/*
 * More bytes than this cannot spell a name of 253 characters (4 bytes each): they are not shown to
 * libidn2.
 */
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
 * Brings len bytes to normal form. Never fails: any bytes have a class. Idempotent: a normal form
 * comes out as it is, with the same kind, for what was recorded is read again when it is asked for.
 * A NAME is a host name: 1 to 63 of letters, digits, '-' and '_' a label, no '-' at its ends, 253
 * in all. What is longer than DOMAIN_MAX is RAW, and cut at its front behind a '*', so that the
 * domains above it are still its own; returns true then.
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
 * Returns the length.
 *
 * Keys of NAME and RAW end with '.', the others never do, so that no raw bytes
 * can pass for another class. Past DOMAIN_KEY_PLAIN bytes the key is cut there and a 64-bit hash of
 * the whole is added: such a key is DOMAIN_KEY_MAX long and says the domain only as well as its
 * hash (the record says it in full). No key of DOMAIN_KEY_PLAIN bytes or fewer holds a NUL, nor
 * does byte DOMAIN_KEY_PLAIN of a longer one: a NUL behind a key ends it.
 *
 * Of unequal NAMEs and RAWs whose keys are not cut, d lies below p exactly where p's key begins
 * d's. Where p's is cut, its first DOMAIN_KEY_PLAIN bytes begin the keys of all below it, and
 * domain_below must decide.
 */
#define DOMAIN_KEY_PLAIN 240
#define DOMAIN_KEY_MAX   (DOMAIN_KEY_PLAIN + 8)
size_t domain_key(const struct domain *d, unsigned char key[DOMAIN_KEY_MAX]);

#endif
