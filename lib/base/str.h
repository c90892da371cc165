/* SPDX-License-Identifier: ISC */
/*
 * Strings: a growing buffer, a packed list of strings, and the few conversions that several rooms
 * need.
 */
#ifndef PQPURGE_BASE_STR_H
#define PQPURGE_BASE_STR_H

#include "base/base.h"

/*
 * A growing, always terminated string. Zero-initialise it ({0}); text is NULL until something was
 * added. Out of memory is sticky: `failed` is set, later adds are no-ops; check it once at the end.
 */
struct strbuf {
	char *text;
	size_t len, cap;
	bool failed;
};
void strbuf_add(struct strbuf *s, const char *text, size_t len);
void strbuf_puts(struct strbuf *s, const char *text);
void strbuf_putc(struct strbuf *s, char c);
void strbuf_printf(struct strbuf *s, const char *format, ...) FORMAT(2, 3);
void strbuf_clear(struct strbuf *s);             /* empties, keeps the memory */
void strbuf_release(struct strbuf *s);           /* frees, zeroes */
const char *strbuf_text(const struct strbuf *s); /* never NULL */

/*
 * A packed, read-only list of strings: `count` terminated strings one behind the other in `bytes`
 * bytes. A view: whoever filled `first` owns the memory. Strings hold no NUL. The zero value is the
 * empty list.
 */
struct strlist {
	const char *first;
	size_t bytes;
	uint32_t count;
};
/* A declaration's name cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define strlist_each(item, list)                                                                   \
	for (const char *item = (list)->first; item && item < (list)->first + (list)->bytes;       \
	     item += strlen(item) + 1)
/* NOLINTEND(bugprone-macro-parentheses) */

/*
 * Appends one string with its NUL to a buffer that holds a list (embedded NULs end the text early).
 */
void strlist_push(struct strbuf *packed, const char *text, size_t len);
/* Views a buffer filled by strlist_push. Valid until the buffer changes. */
struct strlist strlist_of(const struct strbuf *packed);
/*
 * Views bytes from outside as a list; ERR_SYNTAX unless they are exactly count terminated strings.
 */
int strlist_view(const char *bytes, size_t len, uint32_t count, struct strlist *ret) NODISCARD;

/* Control characters, line separators, and format characters (direction, zero width). */
bool str_is_unsafe(uint32_t point);
/*
 * Copies with '?' for each unsafe character and for each byte that is no UTF-8. Cut to size, never
 * inside a character. buf may be text itself.
 */
char *str_scrub(char *buf, size_t size, const char *text);
/*
 * The length of the UTF-8 character (RFC 3629) at the front of len bytes, and its code point; 0
 * where there is none.
 */
size_t str_utf8(const char *text, size_t len, uint32_t *ret_point);
/* Space, tab, CR, LF. */
static inline bool str_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
/* Whether it holds a control character of ASCII. */
bool str_has_control(const char *text);
/* ASCII only; no locale. */
char str_lower(char c);
void str_lower_all(char *text, size_t len);
bool str_equal_nocase(const char *a, const char *b);
bool str_starts(const char *text, const char *prefix);
bool str_starts_nocase(const char *text, const char *prefix);
/* Whole text is a decimal in min..max; else ERR_SYNTAX. */
int str_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret) NODISCARD;
/*
 * Bytes with an optional unit k, M, G, T (1024 each; either case): "512k", "2G". ERR_SYNTAX
 * otherwise.
 */
int str_parse_size(const char *text, uint64_t *ret_bytes) NODISCARD;
/* "1.2 MB" style for people, 1024-based. Returns buf. */
char *str_size_text(uint64_t bytes, char *buf, size_t size);
/* The nearest of several words, for "did you mean". Zero-initialise; best may stay NULL. */
struct spell {
	const char *best;
	size_t distance;
};
/* Candidates farther from word than a third of its length (rounded up, at most 3 steps) are no
 * suggestion. */
void spell_consider(struct spell *s, const char *word, const char *candidate);

#endif
