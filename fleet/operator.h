/* SPDX-License-Identifier: ISC */
/* The operator's side: requests as JSON lines on stdin, one answer line each on stdout (README.md).
 */
#pragma once

#include "base/json.h"
#include "fleet/pg.h"

#define OPERATOR_LINE_MAX   (256u << 10)
#define OPERATOR_ANSWER_MAX (16u << 20)

/* Serves requests until `in` ends. Returns an exit status. */
int operator_run(int in, int out);

struct operator_side {
	struct pg *pg; /* NULL: not connected */
};
/*
 * Carries out one request. 0: *ret is the answer without "ok", the caller's to free. Or ERR_USAGE,
 * ERR_CONFIG, ERR_TIMEOUT, -ECONNRESET (pg is closed then), ERR_REFUSED, with words; sqlstate is
 * the server's, "" without one.
 */
int request_run(struct operator_side *o, const struct json *request, struct json **ret,
    char sqlstate[6], struct err *err) NODISCARD;

/* Applies the migrations that are missing (init.c), each in a transaction, under an advisory lock.
 */
int init_run(struct pg *pg, struct json **ret, char sqlstate[6], struct err *err) NODISCARD;
/* Asks and waits. ERR_REFUSED with the server's words: it said no; sqlstate says why. */
int operator_ask(struct pg *pg, const char *sql, const char *const *params, int count,
    char sqlstate[6], struct err *err) NODISCARD;
