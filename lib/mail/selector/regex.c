/* SPDX-License-Identifier: ISC */
#include "mail/selector/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps that PCRE2 may take from one start offset. (JIT counts fewer: it skips backtracking over
 * one repeated character.) An expression that hits the limit, such as /(a+)+$/, ends the search at
 * once: 20 to 100 us for a long address. One that stays just below it at each offset, such as
 * /a{1,90}a{1,90}[bc]/, takes at most 4 ms, and no less with a fifth of the limit.
 *
 * Usual expressions take under a thousand steps. An expression that hits the limit lets mail pass,
 * so the limit must not be lower. */
#define MATCH_LIMIT 10000
/* KiB for the interpreter. JIT uses 32 KiB of the thread's stack. */
#define HEAP_LIMIT 2048
#define PARENS_MAX 100

/* Addresses are bytes in normal form and never need UTF. If an expression turned it on, a subject
 * that is not UTF-8 would be an error. */
#define OPTIONS                                                                                    \
	(PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE |     \
	    PCRE2_DOLLAR_ENDONLY)

struct pattern_regex {
	pcre2_code *code;
	pcre2_match_context *limits; /* read-only after setup */
};

static int compile(
    struct pattern_regex *r, const char *text, size_t len, uint32_t options, struct err *err)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	int code = 0;
	size_t at = 0;

	if (!context)
		return -ENOMEM;
	pcre2_set_parens_nest_limit(context, PARENS_MAX);
	r->code = pcre2_compile((PCRE2_SPTR)text, len, options, &code, &at, context);
	pcre2_compile_context_free(context);
	if (!r->code) {
		PCRE2_UCHAR words[120] = "";

		pcre2_get_error_message(code, words, sizeof(words));
		return err_set(
		    err, ERR_SYNTAX, "bad expression at byte %zu: %s", at + 1, (const char *)words);
	}
	/* Fails where memory must not be both writable and executable. Then the interpreter
	 * works. */
	(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	return 0;
}

int regex_new(
    const char *text, size_t len, bool caseless, struct pattern_regex **ret, struct err *err)
{
	struct pattern_regex *r = calloc(1, sizeof(*r));
	int rc = -ENOMEM;

	if (!r)
		return rc;
	r->limits = pcre2_match_context_create(NULL);
	if (!r->limits)
		goto out;
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(r->limits, HEAP_LIMIT);
	rc = compile(r, text, len, OPTIONS | (caseless ? PCRE2_CASELESS : 0), err);
	if (rc != 0)
		goto out;
	/* Some mistakes, such as an endless recursion, show only in a match. */
	rc = regex_match(r, "<>", 2);
	if (rc == ERR_LIMIT)
		rc = err_set(err, ERR_SYNTAX, "bad expression: it cannot be matched");
out:
	if (rc < 0)
		regex_free(r);
	else
		*ret = r;
	return rc < 0 ? rc : 0;
}

void regex_free(struct pattern_regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->limits);
	pcre2_code_free(r->code);
	free(r);
}

static int match(const struct pattern_regex *r, const char *subject, size_t len, uint32_t options)
{
	/* One pair of offsets suffices. Each call has its own memory, so threads may match at
	 * once. */
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	PCRE2_SPTR at = (PCRE2_SPTR)subject;

	if (!data)
		return -ENOMEM;
	int rc = pcre2_match(r->code, at, len, 0, options, data, r->limits);
	/* JIT has a small fixed stack; the interpreter may get further. */
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(r->code, at, len, 0, options | PCRE2_NO_JIT, data, r->limits);
	pcre2_match_data_free(data);
	if (rc >= 0) /* 0: there are more groups than pairs of offsets */
		return 1;
	if (rc == PCRE2_ERROR_NOMATCH || rc == PCRE2_ERROR_PARTIAL)
		return 0;
	return rc == PCRE2_ERROR_NOMEMORY ? -ENOMEM : ERR_LIMIT;
}

int regex_match(const struct pattern_regex *r, const char *subject, size_t len)
{
	return match(r, subject, len, 0);
}

/* A search that reaches the end of subject is partial: a longer text might change the result. */
int regex_match_start(const struct pattern_regex *r, const char *subject, size_t len)
{
	return match(r, subject, len, PCRE2_PARTIAL_HARD);
}
