/* SPDX-License-Identifier: ISC */
/*
 * The control protocol, both ends: one JSON object a line over INDEX_SOCKET, and large bodies and
 * answers as sealed memory files (memfd_create(2), all seals) passed with the line (SCM_RIGHTS). An
 * answer is made in full before it is sent, so that a client that stops holds nothing.
 *
 * Requests have a member "do": status, select, names, update, settle, rules, rule-set, rule-unset,
 * reload. Answers are {"ok":true,...} or {"error":"WORD","text":"..."}. A line has at most
 * WIRE_LINE_MAX bytes; a memory file at most WIRE_BODY_MAX. Who may ask: root and the daemon's own
 * user (SO_PEERCRED). pqpurge-milter(8) documents it.
 */
#ifndef PQPURGE_INDEX_WIRE_H
#define PQPURGE_INDEX_WIRE_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "mail/selector.h"

#define WIRE_LINE_MAX    (64u << 10)
#define WIRE_BODY_MAX    (UINT64_C(1) << 30)
#define WIRE_ANSWER_TIME (2 * INT64_C(1000000)) /* microseconds until the first sign of an answer  \
						 */

/* Sends one line, and fd with it where it is not -1. Frees line. 0, ERR_TIMEOUT or -errno. */
int wire_send(int socket, struct json *line, int fd, int64_t deadline) NODISCARD;
/*
 * Receives one line of at most WIRE_LINE_MAX bytes, and the descriptor that came with it (-1 none).
 * 1, 0 the peer closed, ERR_TIMEOUT, ERR_LIMIT, ERR_SYNTAX or -errno. For the command's side; the
 * daemon, which must not block, gathers bytes itself and calls json_parse.
 */
int wire_receive(
    int socket, struct json **ret, int *ret_fd, int64_t deadline, struct err *err) NODISCARD;
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
