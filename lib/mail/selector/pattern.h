/* SPDX-License-Identifier: ISC */
/* Patterns for addresses in selectors and rules (pqpurge-rules(5), PATTERNS): user@example.com,
 * example.com, .example.com, <>, [192.0.2.1], /pcre/, /pcre/i. Immutable, so threads may share
 * them. Expressions run under limits: a hostile address costs microseconds. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "mail/address/address.h"

enum pattern_kind {
	PATTERN_ADDRESS,
	PATTERN_DOMAIN,     /* exact; also literals, and single labels where allowed */
	PATTERN_SUBDOMAINS, /* strictly below */
	PATTERN_WITHIN,     /* the domain and all below: --subdomains */
	PATTERN_NULL,
	PATTERN_REGEX,
};

#define PATTERN_REGEX_MAX 1024 /* bytes */

struct pattern {
	enum pattern_kind kind;
	struct address address;      /* ADDRESS: all of it; DOMAIN, SUBDOMAINS, WITHIN: .domain */
	struct pattern_regex *regex; /* REGEX; owned */
	char *text;                  /* as written; owned; for messages */
};

/* ERR_SYNTAX with words for obvious mistakes: blanks, control characters, empty or long labels,
 * wildcards, a client's address, a bad expression, unknown flags. A domain that libidn2 refuses is
 * RAW, for such mail exists. Release with pattern_release. */
int pattern_parse(const char *text, struct pattern *ret, struct err *err) NODISCARD;
void pattern_release(struct pattern *p); /* zeroes; accepts a zeroed one */
/* Length of the pattern at the start of line; expressions and quoted local parts may hold
 * blanks. */
size_t pattern_span(const char *line);
/* Writes the one spelling of all patterns with this meaning; pattern_parse reads it back. */
void pattern_canonical(const struct pattern *p, struct strbuf *out);
/* Turns DOMAIN into WITHIN, except for literals. */
void pattern_include_subdomains(struct pattern *p);
/* 1, 0, or ERR_LIMIT: the expression hit its limits (no match; report it once). */
int pattern_match(const struct pattern *p, const struct address *address) NODISCARD;

/* A view of text in normal form, for matching it with many patterns. */
struct pattern_subject {
	const char *text;
	size_t len, local_len;
	const char *domain; /* "" if there is none */
};
struct pattern_subject pattern_subject_of(const char *normal);
struct pattern_subject pattern_subject_of_login(const char *login); /* for expressions alone */
int pattern_match_subject(const struct pattern *p, const struct pattern_subject *subject) NODISCARD;
/* Matches an expression with text that is no address. cut: text is the beginning of something
 * longer; 1 only if it matches whatever follows. 1, 0, or ERR_LIMIT. */
int pattern_match_text(const struct pattern *p, const char *text, size_t len, bool cut) NODISCARD;
/* Whether word may be meant as a pattern: it holds '.', '@', '/' or '[', or is "<>". */
bool pattern_looks_like(const char *word);
