/* SPDX-License-Identifier: ISC */
/*
 * A pattern for addresses, as selectors and rules write it (pqpurge-rules(5), PATTERNS):
 * user@example.com, example.com, .example.com, <>, [192.0.2.1], /pcre/, /pcre/i.
 *
 * An expression is compiled once, without UTF and captures, and matched under limits, so that
 * hostile addresses cost microseconds. A pattern is immutable and may be shared between threads.
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
 * Parses text. ERR_SYNTAX with words for what an admin surely did not mean: blanks, control
 * characters, empty or long labels, wildcards, a client's address, a bad expression, unknown flags.
 * Domains come out in normal form; a name that libidn2 refuses is accepted as RAW, for such mail
 * exists. Release what was parsed with pattern_release.
 */
int pattern_parse(const char *text, struct pattern *ret, struct err *err) NODISCARD;
void pattern_release(struct pattern *p); /* zeroes; accepts a zeroed one */

/* Bytes of the pattern at the start of line; expressions and quoted local parts may hold blanks. */
size_t pattern_span(const char *line);

/*
 * Writes the one spelling of all patterns that mean the same, the local part lower case and quoted
 * where it must be. pattern_parse reads it back.
 */
void pattern_canonical(const struct pattern *p, struct strbuf *out);

/* Makes a DOMAIN pattern WITHIN (a literal has nothing below) and leaves the others. */
void pattern_include_subdomains(struct pattern *p);

/* 1, 0, or ERR_LIMIT where the expression hit its limits (no match; the caller tells it once). */
int pattern_match(const struct pattern *p, const struct address *address) NODISCARD;

/*
 * The same for text in normal form: nothing is copied or normalised again. A view of it, made once
 * and asked about by many patterns.
 */
struct pattern_subject {
	const char *text;
	size_t len, local_len;
	const char *domain; /* "" where there is none */
};
struct pattern_subject pattern_subject_of(const char *normal);
struct pattern_subject pattern_subject_of_address(const struct address *address);
struct pattern_subject pattern_subject_of_login(const char *login); /* for expressions alone */
int pattern_match_subject(const struct pattern *p, const struct pattern_subject *subject) NODISCARD;

/* Whether word could be meant as a pattern: contains '.', '@', '/' or '[', or is "<>". */
bool pattern_looks_like(const char *word);

#endif
