/* SPDX-License-Identifier: ISC */
/* Domains as mail uses them. Normal form: A-labels (UTS #46 non-transitional, RFC 5891), lower
 * case, without trailing dots and invisible characters (domain_text.h). If libidn2 refuses a
 * domain, its normal form is its bytes in lower case, so that such mail can still be found. */
#pragma once

#include "base/base.h"

#define DOMAIN_MAX 255 /* bytes of normal form */
/* A longer text cannot spell 253 characters (of at most 4 bytes), so libidn2 never sees it. */
#define DOMAIN_INPUT_MAX 1012

enum domain_kind {
	DOMAIN_NONE,
	DOMAIN_NULL,
	DOMAIN_NAME,    /* A-labels */
	DOMAIN_RAW,     /* refused by libidn2, or no host name */
	DOMAIN_LITERAL, /* as in RFC 5321, section 4.1.3: "[192.0.2.1]", "[ipv6:2001:db8::1]" */
};

struct domain {
	char text[DOMAIN_MAX + 1]; /* "" for NONE and NULL */
	enum domain_kind kind;
};

/* Takes any bytes. Idempotent, also in the kind. A NAME has labels of 1 to 63 letters, digits, '-'
 * and '_', without '-' at their ends, and 253 bytes at most. A text longer than DOMAIN_MAX becomes
 * RAW, with '*' in place of its front, so that its parent domains stay right; then returns true. */
bool domain_normal(const char *bytes, size_t len, struct domain *ret);
/* The same without libidn2 (some 10 us): a domain that is not ASCII, or is punycode, becomes
 * RAW. */
bool domain_unmapped(const char *bytes, size_t len, struct domain *ret);
/* Whether libidn2 ran out of memory in this thread since the last call. A RAW domain may then
 * really be a NAME, so do not trust comparisons with it. Call it also before a piece of work, since
 * work before may have failed without asking. */
bool domain_lacked_memory(void);
bool domain_equal(const struct domain *a, const struct domain *b);
/* Nothing is below a literal. */
bool domain_below(const struct domain *d, const struct domain *parent);
/* The same for texts. parent must not be a literal; no literal d ends like a name. */
bool domain_ends_with(const char *d, const char *parent);

/* Makes the author key under which mail is filed; returns its length. NAME and RAW: labels
 * reversed, with a dot after each ("com.example."), so that subdomains share a prefix. LITERAL:
 * unchanged. NULL: "<>". NONE: "@".
 *
 * A longer key is cut to DOMAIN_KEY_PLAIN bytes, and a 64-bit hash of all of it follows. A short
 * key contains no NUL, and byte DOMAIN_KEY_PLAIN is never NUL, so a NUL can end keys. Unless keys
 * are cut, d lies below p exactly if d's key begins with p's; otherwise ask domain_below. */
#define DOMAIN_KEY_PLAIN 240
#define DOMAIN_KEY_MAX   (DOMAIN_KEY_PLAIN + 8)
size_t domain_key(const struct domain *d, unsigned char key[DOMAIN_KEY_MAX]);
