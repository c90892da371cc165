/* SPDX-License-Identifier: ISC */
/* The index's part of the control protocol (pqpurge-milter(8)). The daemon answers these requests,
 * or a command's child while no daemon runs, with the same code:
 *   {"do":"select"}, with a body -> {"ok":true,"bytes":N,"changes":N}, and the rows (select.h)
 *   {"do":"names"} -> {"ok":true,"bytes":N,"changes":N,"queue_directory":"..."}, and the names
 *   (index_names)
 *   {"do":"update","own_networks":["..."]}, with a body -> {"ok":true,"bytes":N,"completed":N,
 *   "added":N,"dropped":N,"silent":N}, and the records that match its selector
 *   {"do":"count"} -> {"ok":true,"rows":N,...} (the members of struct index_counts by name)
 *   {"do":"groups","by":"sender","limit":N,"like":"...","login_exact":true} ->
 *   {"ok":true,"bytes":N}, and the counts
 *   as JSON text: census.h, with "now" and "caught_up"
 * A body begins with a blob that holds the selector as JSON text (wire_selector), or is empty. In
 * an update, its bytes (update.h) follow. With "bytes":0 no memory file is sent. */
#pragma once

#include "index/control/wire.h"
#include "index/index.h"

/* An answer without its bytes. Members that the request does not have are zero. */
struct served {
	struct index_counts counts;
	struct index_updated updated;
};

bool serve_is_mine(const struct json *request);
/* Appends the answer's bytes to out. Returns 0, ERR_NO_INDEX if ix is NULL, ERR_SYNTAX, ERR_LIMIT
 * past WIRE_BODY_MAX, or an error of the index. */
int serve_here(struct index *ix, const struct json *request, struct span body, int64_t deadline,
    struct bytes *out, struct served *ret, struct err *err) NODISCARD;
/* Answers for the daemon. body: the caller's descriptor, or -1. *ret_answer: NULL if out of memory.
 * *ret_fd: a sealed memory file for the caller to send and close, or -1. */
void serve(struct index *ix, const struct json *request, int body, int64_t deadline,
    struct json **ret_answer, int *ret_fd);
/* Reads a daemon's answer, which is not trusted. */
void serve_read(const struct json *answer, struct served *ret);
/* Begins a request's body with its selector (may be NULL). */
void serve_body(const struct selector *selector, struct bytes *out);
struct json *serve_ok(void); /* {"ok":true} */
/* {"error":WORD,"text":text}; serve.c has the words. */
struct json *serve_error(int code, const char *text);
