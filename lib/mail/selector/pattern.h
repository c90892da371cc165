/* SPDX-License-Identifier: ISC */
/* Patterns for addresses in selectors and rules (pqpurge-rules(5), PATTERNS): user@example.com,
 * example.com, .example.com, <>, [192.0.2.1], /pcre/, /pcre/i. Immutable, so threads may share
 * them. Expressions have limits, so a hostile address costs only microseconds. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "mail/address/address.h"

enum pattern_kind {
	PATTERN_ADDRESS,
	PATTERN_DOMAIN,     /* only this domain; also literals, and single labels where allowed */
	PATTERN_SUBDOMAINS, /* all subdomains, without the domain */
	PATTERN_WITHIN,     /* the domain and all subdomains: --subdomains */
	PATTERN_NULL,
	PATTERN_REGEX,
};

#define PATTERN_REGEX_MAX 1024 /* bytes */

struct pattern {
	enum pattern_kind kind;
	/* ADDRESS: all of it; DOMAIN, SUBDOMAINS, WITHIN: only .domain */
	struct address address;
	struct pattern_regex *regex; /* REGEX only; owned */
	char *text;                  /* as the user wrote it, for messages; owned */
};

/* ERR_SYNTAX with words for obvious mistakes: blanks, control characters, empty or long labels,
 * wildcards, a client's address, a bad expression, unknown flags. A domain that libidn2 refuses
 * becomes RAW, because such mail exists. */
int pattern_parse(const char *text, struct pattern *ret, struct err *err) NODISCARD;
void pattern_release(struct pattern *p);
/* Length of the pattern at the start of line. Expressions and quoted local parts may have
 * blanks. */
size_t pattern_span(const char *line);
/* Appends the one spelling of all patterns with this meaning, for pattern_parse. */
void pattern_canonical(const struct pattern *p, struct strbuf *out);
/* Turns DOMAIN into WITHIN, except for literals. */
void pattern_include_subdomains(struct pattern *p);
/* An expression then matches without regard to ASCII case. 0 or -ENOMEM. */
int pattern_ignore_case(struct pattern *p) NODISCARD;
/* Returns 1, 0, or ERR_LIMIT if the expression hit its limits. Then it is not a match; report it
 * once. */
int pattern_match(const struct pattern *p, const struct address *address) NODISCARD;

/* A text in normal form, not owned, prepared for many patterns. */
struct pattern_subject {
	const char *text;
	size_t len;
	const char *domain; /* "" if there is none */
};
struct pattern_subject pattern_subject_of(const char *normal);
struct pattern_subject pattern_subject_of_login(const char *login); /* only for expressions */
int pattern_match_subject(const struct pattern *p, const struct pattern_subject *subject) NODISCARD;
/* Matches an expression with text that is not an address. cut: text is the beginning of a longer
 * one; then 1 only if it matches however it continues. Returns 1, 0, or ERR_LIMIT. */
int pattern_match_text(const struct pattern *p, const char *text, size_t len, bool cut) NODISCARD;
/* Whether word may be meant as a pattern: it contains '.', '@', '/' or '[', or is "<>". */
bool pattern_looks_like(const char *word);
