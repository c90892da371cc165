/* SPDX-License-Identifier: ISC */
/*
 * A pattern for addresses, as selectors and rules write it (the only file that includes <pcre2.h>):
 *   user@example.com   that address; the local part without case
 *   example.com        that domain alone
 *   .example.com       its subdomains alone
 *   <>                 the null sender
 *   [192.0.2.1]        that address literal as domain
 *   /pcre/ or /pcre/i  the whole address in normal form, "<>" for the null sender
 * Regular expressions are compiled once, JIT where possible, with PCRE2_NEVER_UTF, NEVER_UCP, NEVER_BACKSLASH_C,
 * DOLLAR_ENDONLY, and matched under a match limit, so that hostile addresses cost microseconds. A compiled pattern is immutable and
 * may be shared between threads.
 */
#ifndef PQPURGE_MAIL_PATTERN_H
#define PQPURGE_MAIL_PATTERN_H

#include "base/err.h"
#include "mail/address.h"

enum pattern_kind {
	PATTERN_ADDRESS,
	PATTERN_DOMAIN,     /* exact; also literals, and single labels where they are allowed */
	PATTERN_SUBDOMAINS, /* strictly below */
	PATTERN_WITHIN,     /* the domain and all below: `--subdomains` */
	PATTERN_NULL,
	PATTERN_REGEX,
};

#define PATTERN_REGEX_MAX   1024  /* bytes of one expression */
#define PATTERN_MATCH_LIMIT 20000 /* pcre2_set_match_limit */

struct pattern {
	enum pattern_kind kind;
	struct address address; /* ADDRESS: all of it; DOMAIN, SUBDOMAINS, WITHIN: address.domain */
	struct pattern_regex *regex; /* REGEX; owned */
	char *text;                  /* as written; owned; for messages */
};

/*
 * Parses text. ERR_SYNTAX with the place: empty, blanks, labels over 63 bytes or a name over 253, empty labels, an unclosed or bad
 * expression, unknown flags. Domains and addresses come out in normal form; a U-label is accepted and turned. A name
 * that libidn2 refuses is accepted as RAW, for such mail exists. Release what was parsed with pattern_release.
 */
int pattern_parse(const char *text, struct pattern *ret, struct err *err) NODISCARD;
void pattern_release(struct pattern *p); /* zeroes; accepts a zeroed one */

/* Makes a DOMAIN pattern WITHIN and leaves the others: `--subdomains`. */
void pattern_include_subdomains(struct pattern *p);

/*
 * Whether p matches address: 1, 0, or ERR_LIMIT where the expression hit its limits (counts as no match; the caller
 * tells it once per pattern).
 */
int pattern_match(const struct pattern *p, const struct address *address) NODISCARD;

/* Whether word could be meant as a pattern: contains '.', '@', '/' or '[', or is "<>". For the command line. */
bool pattern_looks_like(const char *word);

#endif
