/* SPDX-License-Identifier: ISC */
/*
 * A pattern for addresses, as selectors and rules write it (the only room that includes <pcre2.h>):
 *
 *   user@example.com   that address; its local part without case, quoted where it must be
 *
 *   example.com        that domain alone
 *
 *   .example.com       its subdomains alone
 *
 *   <>                 the null sender
 *
 *   [192.0.2.1]        that address literal as domain
 *
 *   /pcre/ or /pcre/i  the whole address in normal form, "<>" for the null sender
 *
 * Regular expressions are compiled once, JIT where possible, with PCRE2_NEVER_UTF, NEVER_UCP,
 * NEVER_BACKSLASH_C, NO_AUTO_CAPTURE, DOLLAR_ENDONLY, and matched under a match limit, so that
 * hostile addresses cost microseconds. A compiled pattern is immutable and may be shared between
 * threads.
 */
#ifndef PQPURGE_MAIL_PATTERN_H
#define PQPURGE_MAIL_PATTERN_H

#include "base/err.h"
#include "base/str.h"
#include "mail/address.h"

enum pattern_kind {
	PATTERN_ADDRESS,
	PATTERN_DOMAIN,     /* exact; also literals, and single labels where they are allowed */
	PATTERN_SUBDOMAINS, /* strictly below */
	PATTERN_WITHIN,     /* the domain and all below: `--subdomains` */
	PATTERN_NULL,
	PATTERN_REGEX,
};

#define PATTERN_REGEX_MAX 1024 /* bytes of one expression */

struct pattern {
	enum pattern_kind kind;
	struct address address;      /* ADDRESS: all of it; DOMAIN, SUBDOMAINS, WITHIN: .domain */
	struct pattern_regex *regex; /* REGEX; owned */
	char *text;                  /* as written; owned; for messages */
};

/*
 * Parses text. ERR_SYNTAX with the place: empty, blanks, control characters, labels over 63 bytes
 * or a name over 253, empty labels, wildcards, a client's address, an unclosed or bad expression,
 * unknown flags. Domains and addresses come out in normal form; a U-label is accepted and turned. A
 * name that libidn2 refuses is accepted as RAW, for such mail exists. Release what was parsed with
 * pattern_release.
 */
int pattern_parse(const char *text, struct pattern *ret, struct err *err) NODISCARD;
void pattern_release(struct pattern *p); /* zeroes; accepts a zeroed one */

/*
 * Bytes of the pattern at the start of line, which may go on after a blank: an expression and a
 * quoted local part may hold blanks. No check beyond finding the end.
 */
size_t pattern_span(const char *line);

/*
 * Writes the one spelling of all patterns that mean the same: normal form, the local part lower
 * case and quoted where it must be, expressions as written. pattern_parse reads it back.
 */
void pattern_canonical(const struct pattern *p, struct strbuf *out);

/* Makes a DOMAIN pattern WITHIN (a literal has nothing below) and leaves the others. */
void pattern_include_subdomains(struct pattern *p);

/*
 * Whether p matches address: 1, 0, or ERR_LIMIT where the expression hit its limits (counts as no
 * match; the caller tells it once per pattern).
 */
int pattern_match(const struct pattern *p, const struct address *address) NODISCARD;

/*
 * The same for text that is already in normal form, for scans of stored messages: nothing is copied
 * or normalised again. A view of the text, made once and asked about by many patterns.
 */
struct pattern_subject {
	const char *text;
	size_t len, local_len;
	const char *domain; /* "" where there is none */
};
struct pattern_subject pattern_subject_of(const char *normal);
int pattern_match_subject(const struct pattern *p, const struct pattern_subject *subject) NODISCARD;

/* Whether word could be meant as a pattern: contains '.', '@', '/' or '[', or is "<>". */
bool pattern_looks_like(const char *word);

#endif
