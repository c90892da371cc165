/* SPDX-License-Identifier: ISC */
/*
 * The index's part of the control protocol: requests that the daemon's control thread and, while no
 * daemon runs, a command's child answer by the same code. pqpurge-milter(8) documents them.
 *
 * {"do":"select"}, with a body -> {"ok":true,"bytes":N}, and the rows (select.h)
 *
 * {"do":"names"} -> {"ok":true,"bytes":N,"queue_directory":"..."}, and the names (index_names)
 *
 * {"do":"update","own_networks":["..."]}, with a body -> {"ok":true,"bytes":N,"completed":N,
 * "added":N,"dropped":N,"silent":N}, and the rows that its selector means
 *
 * {"do":"count"} -> {"ok":true,"rows":N,...} (struct index_counts, by the names of its members)
 *
 * A body is a blob (base/bytes.h) with the selector as JSON text (wire_selector), empty for none;
 * in an update its bytes (update.h) follow. With "bytes":0 no memory file comes.
 */
#ifndef PQPURGE_INDEX_SERVE_H
#define PQPURGE_INDEX_SERVE_H

#include "index/index.h"
#include "index/wire.h"

/* What an answer says beside its bytes; of a request that has no such member it is zero. */
struct served {
	struct index_counts counts;
	struct index_updated updated;
	uint8_t by_daemon; /* no bool: a child may write anything here */
};

/* Whether the index answers this request. */
bool serve_is_mine(const struct json *request);
/*
 * Answers it: appends its bytes to out. ix may be NULL: ERR_NO_INDEX. Failures are the index's;
 * ERR_SYNTAX for what makes no sense, ERR_LIMIT past WIRE_BODY_MAX.
 */
int serve_here(struct index *ix, const struct json *request, struct span body, int64_t deadline,
    struct bytes *out, struct served *ret, struct err *err) NODISCARD;
/*
 * The same for the daemon. body is the descriptor that came with it (-1 none), and stays the
 * caller's. *ret_answer is always an answer, or NULL where memory is out; *ret_fd is a sealed
 * memory file to be sent with it and closed, or -1.
 */
void serve(struct index *ix, const struct json *request, int body, int64_t deadline,
    struct json **ret_answer, int *ret_fd);
/* What a daemon's answer says: it may be anything. */
void serve_read(const struct json *answer, struct served *ret);
/* The body of such a request: 0, or -ENOMEM, and then out->failed is set. selector may be NULL. */
int serve_body(const struct selector *selector, struct span update, struct bytes *out) NODISCARD;
/* An answer that says no: {"error":word,"text":text}. Words: protocol's, see serve.c. */
struct json *serve_error(int code, const char *text);

#endif
