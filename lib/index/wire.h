/* SPDX-License-Identifier: ISC */
/*
 * The control protocol, both ends: one JSON object a line over INDEX_SOCKET, and large bodies and
 * answers as sealed memory files (memfd_create(2), all seals) passed with the line (SCM_RIGHTS). An
 * answer is made in full before it is sent, so that a client that stops holds nothing.
 *
 * Requests have a member "do": status, settle, rules, rule-set, rule-unset, reload, and serve.h's
 * select, names, update, count. Before a request of serve.h's is answered the daemon sends
 * {"working":true} when it begins with it. Answers are {"ok":true,...} or
 * {"error":"WORD","text":"..."}. A line has at most WIRE_LINE_MAX bytes, its newline included; a
 * memory file at most WIRE_BODY_MAX. Who may ask: root and the daemon's own user (SO_PEERCRED).
 * pqpurge-milter(8) documents it.
 */
#ifndef PQPURGE_INDEX_WIRE_H
#define PQPURGE_INDEX_WIRE_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "base/role.h"
#include "mail/selector.h"

#define WIRE_LINE_MAX    (64u << 10)
#define WIRE_BODY_MAX    (UINT64_C(1) << 30)
#define WIRE_ANSWER_TIME (2 * INT64_C(1000000))  /* until the first sign of an answer */
#define WIRE_WORK_TIME   (60 * INT64_C(1000000)) /* until an answer, after {"working":true} */

/* One end of a connection: what came and was not taken yet. */
struct wire {
	int socket;     /* borrowed */
	int fd;         /* came with a line that is not whole yet; -1 */
	size_t fd_line; /* where its line begins in `in` */
	struct strbuf in;
	struct strbuf line; /* the last one that was taken */
};
void wire_init(struct wire *w, int socket);
void wire_release(struct wire *w); /* closes fd, not the socket */

/*
 * Takes what has come, without waiting: 1 something, 0 the peer closed, -EAGAIN nothing, ERR_LIMIT
 * where no line ends within WIRE_LINE_MAX bytes, ERR_SYNTAX for more than one descriptor, or
 * -errno.
 */
int wire_fill(struct wire *w) NODISCARD;
/* Takes the next whole line: 1, 0 there is none yet, or ERR_SYNTAX with words. *ret_fd, -1 or the
 * caller's now, is the descriptor that came with it. */
int wire_next(struct wire *w, struct json **ret, int *ret_fd, struct err *err) NODISCARD;
/* Both, waiting until the steady deadline: 1, 0 closed, ERR_TIMEOUT, or as above. */
int wire_receive(
    struct wire *w, struct json **ret, int *ret_fd, int64_t deadline, struct err *err) NODISCARD;

/*
 * Sends one line, and fd with it where it is not -1. Frees line; fd stays the caller's. 0,
 * ERR_LIMIT for a line that is too long (nothing was sent), ERR_TIMEOUT or -errno: the connection
 * is of no use then. deadline 0: what does not fit the socket's buffer is ERR_TIMEOUT.
 */
int wire_send(int socket, struct json *line, int fd, int64_t deadline) NODISCARD;
/* The same for a line that json_write made. */
int wire_send_text(int socket, const struct strbuf *line, int fd, int64_t deadline) NODISCARD;

/* Bytes into a sealed memory file; the descriptor or -errno. */
int wire_seal(struct span bytes) NODISCARD;
/*
 * Maps a peer's memory file for reading, after seeing that it is a regular memory file of at most
 * WIRE_BODY_MAX bytes with F_SEAL_SHRINK, F_SEAL_WRITE and F_SEAL_GROW set. ERR_CHILD otherwise.
 */
int wire_map(int fd, struct blob *ret, struct err *err) NODISCARD;

/* A selector to and from JSON; expressions are compiled anew. ERR_SYNTAX. */
struct json *wire_selector(const struct selector *s); /* NULL on no memory */
int wire_selector_read(const struct json *o, struct selector *ret, struct err *err) NODISCARD;

#endif
