/* SPDX-License-Identifier: ISC */
/* Strings: a growing buffer, a packed list of strings, and conversions that ignore the locale. */
#pragma once

#include "base/base.h"

/* A growing, terminated string; text is NULL until something is added. A failed allocation sets
 * `failed`, and later adds do nothing: check it once at the end. */
struct strbuf {
	char *text;
	size_t len, cap;
	bool failed;
};
void strbuf_add(struct strbuf *s, const char *text, size_t len);
void strbuf_puts(struct strbuf *s, const char *text);
void strbuf_putc(struct strbuf *s, char c);
void strbuf_printf(struct strbuf *s, const char *format, ...) FORMAT(2, 3);
void strbuf_clear(struct strbuf *s); /* keeps the memory */
void strbuf_release(struct strbuf *s);
const char *strbuf_text(const struct strbuf *s); /* never NULL */

/* A view of a packed list: `count` strings with their NULs, one after the other, in `bytes` bytes
 * that somebody else owns. */
struct strlist {
	const char *first;
	size_t bytes;
	uint32_t count;
};
/* The name in a declaration cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define strlist_each(item, list)                                                                   \
	for (const char *item = (list)->first; item && item < (list)->first + (list)->bytes;       \
	     item += strlen(item) + 1)
/* NOLINTEND(bugprone-macro-parentheses) */

/* A NUL in text ends it. */
void strlist_push(struct strbuf *packed, const char *text, size_t len);
/* Valid until the buffer changes. */
struct strlist strlist_of(const struct strbuf *packed);
/* ERR_SYNTAX unless the untrusted bytes are exactly count terminated strings. */
int strlist_view(const char *bytes, size_t len, uint32_t count, struct strlist *ret) NODISCARD;
bool strlist_equal(const struct strlist *a, const struct strlist *b);

/* Whether it can control a terminal or hide text: controls, line separators, direction marks and
 * what Unicode calls default-ignorable (zero-width characters, fillers), but for the variation
 * selectors of emoji and ideographs. */
bool str_is_unsafe(uint32_t point);
/* Copies text with '?' for each unsafe character and each byte that is not UTF-8. Cuts to size
 * between characters. buf may be text. */
char *str_scrub(char *buf, size_t size, const char *text);
/* Length and code point of the UTF-8 character at the start of text; 0 if there is none. */
size_t str_utf8(const char *text, size_t len, uint32_t *ret_point);
bool str_is_utf8(const char *text);
static inline bool str_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
/* ASCII only. */
bool str_has_control(const char *text);
char str_lower(char c);
void str_lower_all(char *text, size_t len);
/* The next part of *text, which moves past it; NULL at the end. between: bytes that separate. */
const char *str_part(const char **text, const char *between, size_t *ret_len);
/* words are separated by blanks or commas. */
bool str_has_word(const char *words, const char *word);
bool str_equal_nocase(const char *a, const char *b);
bool str_starts(const char *text, const char *prefix);
bool str_starts_nocase(const char *text, const char *prefix);
bool str_has_nocase(const char *text, const char *part); /* true for "" */
/* Reads the decimal at the start of text. Returns the rest; NULL for no digit, or over 64 bits. */
const char *str_digits(const char *text, uint64_t *ret);
/* The length of the enhanced status code (RFC 3463, section 2) at the start of text, "5.7.1", or
 * 0. */
size_t str_status_len(const char *text);
/* ERR_SYNTAX unless the whole text is a decimal in min..max. */
int str_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret) NODISCARD;
/* Parses bytes such as "512k"; units k, M, G, T are powers of 1024, any case. Or ERR_SYNTAX. */
int str_parse_size(const char *text, uint64_t *ret_bytes) NODISCARD;
/* Writes "1.2 MB", by powers of 1024. Returns buf. */
char *str_size_text(uint64_t bytes, char *buf, size_t size);
/* The nearest of several words, for "did you mean". best stays NULL if none is near. */
struct spell {
	const char *best;
	size_t distance;
};
/* A candidate counts if its distance is at most a third of word's length and at most 3. */
void spell_consider(struct spell *s, const char *word, const char *candidate);
