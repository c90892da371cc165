/* SPDX-License-Identifier: ISC */
/* Domains as mail uses them. Normal form: A-labels (UTS #46 non-transitional, RFC 5891), lower
 * case, without trailing dots and invisible characters (domain_text.h). If libidn2 refuses, the
 * lower-cased raw bytes, so that such mail can still be found. */
#pragma once

#include "base/base.h"

#define DOMAIN_MAX 255 /* bytes of normal form */
/* No longer text can spell 253 characters (4 bytes each), so libidn2 never sees it. */
#define DOMAIN_INPUT_MAX 1012

enum domain_kind {
	DOMAIN_NONE,    /* an address without a domain */
	DOMAIN_NULL,    /* the null sender */
	DOMAIN_NAME,    /* A-labels */
	DOMAIN_RAW,     /* what libidn2 refuses, and what is no host name */
	DOMAIN_LITERAL, /* RFC 5321 4.1.3: "[192.0.2.1]", "[ipv6:2001:db8::1]" */
};

struct domain {
	char text[DOMAIN_MAX + 1]; /* "" for NONE and NULL */
	enum domain_kind kind;
};

/* Brings any bytes to normal form; idempotent, kind included. A NAME has labels of 1 to 63 letters,
 * digits, '-' and '_', with no '-' at the ends, and 253 bytes in all. What is longer than
 * DOMAIN_MAX is RAW, its front replaced by '*' so that its parent domains stay right; returns true
 * then. */
bool domain_normal(const char *bytes, size_t len, struct domain *ret);
/* Without libidn2 (some 10 us): what is not ASCII, or punycode, is RAW. */
bool domain_unmapped(const char *bytes, size_t len, struct domain *ret);
/* Whether libidn2 found no memory in this thread since the last call: then what is RAW may be a
 * NAME, and whoever compared it must not be believed. */
bool domain_lacked_memory(void);
bool domain_equal(const struct domain *a, const struct domain *b);
/* Whether d is a subdomain of parent. Nothing is below a literal. */
bool domain_below(const struct domain *d, const struct domain *parent);
/* On texts, where parent is no literal. No literal ends as a name does, so d may be one. */
bool domain_ends_with(const char *d, const char *parent);

/* The author key that mail is filed under; returns its length. NAME and RAW: labels reversed, each
 * with a dot ("com.example."), so that all subdomains share a prefix. LITERAL: as is. NULL: "<>".
 * NONE: "@".
 *
 * A longer key is cut to DOMAIN_KEY_PLAIN bytes and followed by a 64-bit hash of the whole. No
 * short key holds a NUL, nor does byte DOMAIN_KEY_PLAIN, so a NUL can end keys. Unless keys are
 * cut, d lies below p exactly if p's key begins d's; else ask domain_below. */
#define DOMAIN_KEY_PLAIN 240
#define DOMAIN_KEY_MAX   (DOMAIN_KEY_PLAIN + 8)
size_t domain_key(const struct domain *d, unsigned char key[DOMAIN_KEY_MAX]);
