/* SPDX-License-Identifier: ISC */
/*
 * The index's part of the control protocol (pqpurge-milter(8)). The daemon and, while none runs, a
 * command's child answer these requests by the same code:
 *
 * {"do":"select"}, with a body -> {"ok":true,"bytes":N,"changes":N}, and the rows (select.h)
 * {"do":"names"} -> {"ok":true,"bytes":N,"changes":N,"queue_directory":"..."}, and the names
 * (index_names)
 * {"do":"update","own_networks":["..."]}, with a body -> {"ok":true,"bytes":N,"completed":N,
 * "added":N,"dropped":N,"silent":N}, and the records that match its selector
 * {"do":"count"} -> {"ok":true,"rows":N,...} (struct index_counts, by the names of its members)
 * {"do":"groups","by":"sender","limit":N,"like":"..."} -> {"ok":true,"bytes":N}, and the counts as
 * JSON text: census.h, with "now" and "caught_up"
 *
 * A body is a blob with the selector as JSON text (wire_selector), empty for none; in an update its
 * bytes (update.h) follow. With "bytes":0 there is no memory file.
 */
#pragma once

#include "index/control/wire.h"
#include "index/index.h"

/* What an answer says beside its bytes; members that a request does not have are zero. */
struct served {
	struct index_counts counts;
	struct index_updated updated;
};

bool serve_is_mine(const struct json *request);
/* Appends the answer's bytes to out. ERR_NO_INDEX if ix is NULL, ERR_SYNTAX, ERR_LIMIT past
 * WIRE_BODY_MAX, or the index's errors. */
int serve_here(struct index *ix, const struct json *request, struct span body, int64_t deadline,
    struct bytes *out, struct served *ret, struct err *err) NODISCARD;
/* The same for the daemon. body is the caller's descriptor or -1. *ret_answer is an answer, or NULL
 * on no memory; *ret_fd is a sealed memory file to send and close, or -1. */
void serve(struct index *ix, const struct json *request, int body, int64_t deadline,
    struct json **ret_answer, int *ret_fd);
/* Reads a daemon's answer, which is not trusted. */
void serve_read(const struct json *answer, struct served *ret);
/* Puts a request's selector (may be NULL) in front of its body. */
void serve_body(const struct selector *selector, struct bytes *out);
struct json *serve_ok(void); /* {"ok":true} */
/* {"error":WORD,"text":text}; the words are in serve.c. */
struct json *serve_error(int code, const char *text);
