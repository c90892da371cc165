/* SPDX-License-Identifier: ISC */
/*
 * The control protocol, both ends: one JSON object a line over INDEX_SOCKET. Large bodies and
 * answers are sealed memory files (memfd_create(2)) passed with the line (SCM_RIGHTS).
 *
 * Requests have a member "do": status, settle, rules, rule-set, rule-unset, rule-fleet, reload, and
 * serve.h's select, names, update, count, groups. When the daemon starts work on a request of
 * serve.h it sends
 * {"working":true}. Answers are {"ok":true,...} or {"error":"WORD","text":"..."}. Only root and the
 * daemon's own user may ask (SO_PEERCRED). pqpurge-milter(8) documents it.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "base/role.h"
#include "mail/selector/selector.h"

#define WIRE_LINE_MAX    (64u << 10)             /* bytes of a line with its newline */
#define WIRE_BODY_MAX    (UINT64_C(1) << 30)     /* bytes of a memory file */
#define WIRE_ANSWER_TIME (2 * INT64_C(1000000))  /* until the first sign of an answer */
#define WIRE_WORK_TIME   (60 * INT64_C(1000000)) /* until an answer, after {"working":true} */

/* One end of a connection, and its input that was not taken yet. */
struct wire {
	int socket;     /* borrowed */
	int fd;         /* came with an unfinished line; -1 none */
	size_t fd_line; /* where that line begins in `in` */
	struct strbuf in;
	struct strbuf line; /* the last line taken */
};
void wire_init(struct wire *w, int socket);
void wire_release(struct wire *w); /* closes fd, not the socket */

/* Reads without waiting: 1 something, 0 the peer closed, -EAGAIN nothing, ERR_LIMIT for a line over
 * WIRE_LINE_MAX, ERR_SYNTAX for more than one descriptor, or -errno. */
int wire_fill(struct wire *w) NODISCARD;
/* Takes the next whole line: 1, 0 none yet, or ERR_SYNTAX. *ret_fd: its descriptor, now the
 * caller's, or -1. */
int wire_next(struct wire *w, struct json **ret, int *ret_fd, struct err *err) NODISCARD;
/* Both, until the steady deadline: 1, 0 closed, ERR_TIMEOUT, or as above. */
int wire_receive(
    struct wire *w, struct json **ret, int *ret_fd, int64_t deadline, struct err *err) NODISCARD;

/* Sends one line and, unless -1, fd; frees line. 0, ERR_LIMIT (line too long, nothing was sent),
 * ERR_TIMEOUT or -errno: the connection is then unusable. deadline 0: ERR_TIMEOUT unless it fits
 * the socket's buffer. */
int wire_send(int socket, struct json *line, int fd, int64_t deadline) NODISCARD;
/* The same for a line made by json_write. */
int wire_send_text(int socket, const struct strbuf *line, int fd, int64_t deadline) NODISCARD;

/* Maps a peer's memory file. ERR_CHILD unless it is sealed (SHRINK, WRITE, GROW) and at most
 * WIRE_BODY_MAX bytes. */
int wire_map(int fd, struct blob *ret, struct err *err) NODISCARD;

/* {"do":what}, for further members. */
struct json *wire_request(const char *what);

/* A selector as JSON (wire_selector.c); expressions are compiled anew. ERR_SYNTAX. */
struct json *wire_selector(const struct selector *s); /* NULL on no memory */
int wire_selector_read(const struct json *o, struct selector *ret, struct err *err) NODISCARD;
