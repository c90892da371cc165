/* SPDX-License-Identifier: ISC */
/*
 * JSON, one object a line, out and in (the only file that includes <jansson.h>).
 * Strings from outside may hold any byte: what is not UTF-8 becomes U+FFFD on the way out. Key
 * order is kept. Out of memory is sticky in the object; json_line then fails. What is built with
 * json_put is for json_line, what comes from json_parse is for reading; the two do not mix.
 */
#ifndef PQPURGE_BASE_JSON_H
#define PQPURGE_BASE_JSON_H

#include "base/err.h"
#include "base/str.h"

struct json; /* an object or array */

struct json *json_new(void); /* an object; NULL on no memory (every json_put takes NULL) */
void json_free(struct json *o);
void json_put_text(struct json *o, const char *key, const char *text);
void json_put_int(struct json *o, const char *key, int64_t value);
void json_put_bool(struct json *o, const char *key, bool value);
void json_put_share(struct json *o, const char *key, double value); /* six digits */
void json_put_ints(struct json *o, const char *key, const uint64_t *list, size_t count);
void json_put_null(struct json *o, const char *key);
void json_put_list(struct json *o, const char *key, const struct strlist *list);
void json_put(struct json *o, const char *key, struct json *child); /* takes child over */
struct json *json_new_array(void);
void json_append(struct json *array, struct json *child); /* takes child over */
/*
 * Writes the object as one line with its newline; frees it. 0, -ENOMEM or -errno of the stream,
 * which may say so only when it is flushed.
 */
int json_line(FILE *to, struct json *o) NODISCARD;
/* The same into memory: appends to `to`. 0 or -ENOMEM; then `to` is as before. */
int json_write(struct strbuf *to, struct json *o) NODISCARD;

/*
 * Reads one object from text (one line, len bytes, at most 16 MiB, nested at most 16 deep).
 * ERR_SYNTAX with the place. Bytes that are no UTF-8 become U+FFFD here, too.
 */
int json_parse(const char *text, size_t len, struct json **ret, struct err *err) NODISCARD;
/* A key of NULL means o itself, for the members of arrays. */
const char *json_text(const struct json *o, const char *key); /* NULL: absent or no string */
int64_t json_int(const struct json *o, const char *key, int64_t otherwise);
bool json_bool(const struct json *o, const char *key, bool otherwise);
/* A member that is an object or an array, borrowed; NULL where there is none. */
const struct json *json_child(const struct json *o, const char *key);
size_t json_count(const struct json *o, const char *key); /* members of an array; 0 otherwise */
const struct json *json_at(
    const struct json *o, const char *key, size_t n); /* borrowed; NULL past the end */

/* What json_parse gave may be changed and written after this. NULL on no memory. */
struct json *json_reopen(struct json *o);
/* The members of an object, in order: *at is NULL at first; false at the end. */
bool json_next(
    const struct json *o, void **at, const char **ret_key, const struct json **ret_value);

#endif
