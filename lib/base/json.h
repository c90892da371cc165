/* SPDX-License-Identifier: ISC */
/* JSON, one object per line, its keys in the order in which they were put. Bytes that are not UTF-8
 * become U+FFFD. An allocation that fails is sticky in the object; json_line then fails. Objects
 * from json_put are for writing, those from json_parse for reading. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct json;

struct json *json_new(void); /* NULL if out of memory; every json_put accepts that */
void json_free(struct json *o);
void json_release(struct json **o);
void json_put_text(struct json *o, const char *key, const char *text);  /* text NULL writes null */
void json_put_words(struct json *o, const char *key, const char *text); /* unless NULL or "" */
void json_put_int(struct json *o, const char *key, int64_t value);
void json_put_bool(struct json *o, const char *key, bool value);
void json_put_share(struct json *o, const char *key, double value); /* writes six digits */
void json_put_ints(struct json *o, const char *key, const uint64_t *list, size_t count);
void json_put_list(struct json *o, const char *key, const struct strlist *list);
/* Puts the texts of a packed list (strlist_push), which it releases. A failed list makes o fail. */
void json_put_packed(struct json *o, const char *key, struct strbuf *packed);
void json_put(struct json *o, const char *key, struct json *child); /* takes over child */
struct json *json_new_array(void);
/* {"do":what} */
struct json *json_request(const char *what);
void json_append(struct json *array, struct json *child); /* takes over child */
/* Writes the object as one line and frees it. A stream's error may show only when it is flushed. */
int json_line(FILE *to, struct json *o) NODISCARD;
/* Writes the line {key:child}, and frees child. */
int json_line_of(FILE *to, const char *key, struct json *child) NODISCARD;
/* Appends the object to `to`, and frees it. -ENOMEM leaves `to` unchanged. */
int json_write(struct strbuf *to, struct json *o) NODISCARD;

/* Reads one object of at most 16 MiB and 1,500,000 values, nested at most 16 deep. An object or an
 * array counts as eight values, a member of an object as three. ERR_SYNTAX names the position. */
int json_parse(const char *text, size_t len, struct json **ret, struct err *err) NODISCARD;
/* In the readers below o may be NULL; key NULL means o itself, for members of arrays. */
const char *json_text(const struct json *o, const char *key);  /* NULL: absent or not a string */
const char *json_words(const struct json *o, const char *key); /* "" instead of NULL */
int64_t json_int(const struct json *o, const char *key, int64_t otherwise);
uint64_t json_unsigned(const struct json *o, const char *key); /* 0: absent or negative */
bool json_bool(const struct json *o, const char *key, bool otherwise);
/* An object or array, borrowed; NULL if there is none. */
const struct json *json_child(const struct json *o, const char *key);
size_t json_count(const struct json *o, const char *key); /* of an array; 0 if it is none */
/* Borrowed; NULL past the end. */
const struct json *json_at(const struct json *o, const char *key, size_t n);

/* Pushes at most max texts of an array to a packed list. Skips members of other types. */
void json_list(const struct json *o, const char *key, size_t max, struct strbuf *packed);

/* Appends a member of an object from json_parse as JSON, without a newline. Returns 0, -ENOENT (no
 * such member) or -ENOMEM. */
int json_member_text(const struct json *o, const char *key, struct strbuf *to) NODISCARD;
/* Makes an object from json_parse writable. */
struct json *json_reopen(struct json *o);
/* Makes a writable copy of a borrowed object. */
struct json *json_duplicate(const struct json *o);
/* *at is NULL at first. False at the end. */
bool json_next(
    const struct json *o, void **at, const char **ret_key, const struct json **ret_value);
