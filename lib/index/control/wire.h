/* SPDX-License-Identifier: ISC */
/* Both ends of the control protocol (pqpurge-milter(8)): lines with one JSON object each, over
 * INDEX_SOCKET. Large bodies and answers are sealed memory files (memfd_create(2)), passed with the
 * line (SCM_RIGHTS).
 *
 * Requests have a member "do": status, settle, rules, rule-set, rule-unset, rule-fleet, reload, or
 * one of serve.h: select, names, update, count, groups. The daemon sends {"working":true} when it
 * starts to work on one of serve.h. Answers are {"ok":true,...} or {"error":"WORD","text":"..."}.
 * Only root and the daemon's own user may ask (SO_PEERCRED). */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "base/role.h"
#include "mail/selector/selector.h"

#define WIRE_LINE_MAX (64u << 10)         /* bytes of a line, with its newline */
#define WIRE_BODY_MAX (UINT64_C(1) << 30) /* bytes of a memory file */
/* Microseconds until the first sign of an answer. */
#define WIRE_ANSWER_TIME (2 * INT64_C(1000000))
/* Microseconds until the answer, after {"working":true}. */
#define WIRE_WORK_TIME (60 * INT64_C(1000000))

/* One end of a connection, with its unread input. */
struct wire {
	int socket;     /* borrowed */
	int fd;         /* came with an unfinished line; -1 none */
	size_t fd_line; /* where that line begins in `in` */
	struct strbuf in;
	struct strbuf line; /* the last line that wire_next returned */
};
void wire_init(struct wire *w, int socket);
void wire_release(struct wire *w); /* closes fd, but not the socket */

/* Reads without waiting. Returns 1 something came, 0 the peer closed, -EAGAIN nothing came,
 * ERR_LIMIT for a line over WIRE_LINE_MAX, ERR_SYNTAX for more than one descriptor, or -errno. */
int wire_fill(struct wire *w) NODISCARD;
/* Takes the next whole line. Returns 1, 0 if there is none yet, or ERR_SYNTAX. *ret_fd: its
 * descriptor, which the caller closes, or -1. */
int wire_next(struct wire *w, struct json **ret, int *ret_fd, struct err *err) NODISCARD;
/* Waits for a line until the steady deadline. Returns 1, 0 if the peer closed, ERR_TIMEOUT, or an
 * error of the two calls above. */
int wire_receive(
    struct wire *w, struct json **ret, int *ret_fd, int64_t deadline, struct err *err) NODISCARD;

/* Sends one line, with fd unless it is -1; frees line. Returns 0, ERR_LIMIT (the line is too long,
 * nothing was sent), ERR_TIMEOUT or -errno. After the last two the connection is unusable. deadline
 * 0: does not wait, so ERR_TIMEOUT if the line exceeds the room in the socket's buffer. */
int wire_send(int socket, struct json *line, int fd, int64_t deadline) NODISCARD;
/* For a line that json_write made. */
int wire_send_text(int socket, const struct strbuf *line, int fd, int64_t deadline) NODISCARD;

/* Maps a memory file from the peer. Returns ERR_CHILD unless it is sealed (SHRINK, WRITE, GROW) and
 * has at most WIRE_BODY_MAX bytes. */
int wire_map(int fd, struct blob *ret, struct err *err) NODISCARD;

/* A selector as JSON (wire_selector.c). Reading compiles its expressions anew. Returns ERR_SYNTAX
 * for malformed JSON. */
struct json *wire_selector(const struct selector *s);
int wire_selector_read(const struct json *o, struct selector *ret, struct err *err) NODISCARD;
