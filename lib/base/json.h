/* SPDX-License-Identifier: ISC */
/* JSON, one object a line. Strings may hold any byte: what is not UTF-8 becomes U+FFFD. Key order
 * is kept. Out of memory is sticky in the object; json_line then fails. Objects made with json_put
 * are for json_line, those from json_parse for reading. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct json; /* an object or array */

struct json *json_new(void); /* NULL: out of memory (every json_put takes NULL) */
void json_free(struct json *o);
/* For AUTO. */
void json_release(struct json **o);
void json_put_text(struct json *o, const char *key, const char *text); /* NULL: null */
void json_put_int(struct json *o, const char *key, int64_t value);
void json_put_bool(struct json *o, const char *key, bool value);
void json_put_share(struct json *o, const char *key, double value); /* six digits */
void json_put_ints(struct json *o, const char *key, const uint64_t *list, size_t count);
void json_put_list(struct json *o, const char *key, const struct strlist *list);
/* The members of a packed list (strlist_push), which this releases. One that failed spoils o. */
void json_put_packed(struct json *o, const char *key, struct strbuf *packed);
void json_put(struct json *o, const char *key, struct json *child); /* takes child over */
struct json *json_new_array(void);
void json_append(struct json *array, struct json *child); /* takes child over */
/* Writes the object as one line and frees it. 0, -ENOMEM or -errno of the stream, which may fail
 * only when it is flushed. */
int json_line(FILE *to, struct json *o) NODISCARD;
/* The same for {key:child}. */
int json_line_of(FILE *to, const char *key, struct json *child) NODISCARD;
/* The same into memory: appends to `to`. -ENOMEM leaves `to` unchanged. */
int json_write(struct strbuf *to, struct json *o) NODISCARD;

/* Reads one object of at most 16 MiB, nested at most 16 deep. ERR_SYNTAX with the place. */
int json_parse(const char *text, size_t len, struct json **ret, struct err *err) NODISCARD;
/* A key of NULL means o itself, for members of arrays. */
const char *json_text(const struct json *o, const char *key);  /* NULL: absent or no string */
const char *json_words(const struct json *o, const char *key); /* likewise ""; o may be NULL */
int64_t json_int(const struct json *o, const char *key, int64_t otherwise);
bool json_bool(const struct json *o, const char *key, bool otherwise);
/* An object or array, borrowed; NULL if there is none. */
const struct json *json_child(const struct json *o, const char *key);
size_t json_count(const struct json *o, const char *key); /* members of an array; 0 otherwise */
const struct json *json_at(
    const struct json *o, const char *key, size_t n); /* borrowed; NULL past the end */

/* Pushes the texts of an array on a packed list, at most max; other members are left out. */
void json_list(const struct json *o, const char *key, size_t max, struct strbuf *packed);

/* Appends a member of an object from json_parse as JSON, in one line without its end. 0, -ENOENT
 * (no such member), -ENOMEM. */
int json_member_text(const struct json *o, const char *key, struct strbuf *to) NODISCARD;
/* Makes an object from json_parse writable. NULL: out of memory. */
struct json *json_reopen(struct json *o);
/* A copy of what is borrowed, writable. NULL: out of memory. */
struct json *json_duplicate(const struct json *o);
/* The next member of an object; *at is NULL at first. False at the end. */
bool json_next(
    const struct json *o, void **at, const char **ret_key, const struct json **ret_value);
