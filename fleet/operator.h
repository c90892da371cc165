/* SPDX-License-Identifier: ISC */
/* The operator's side: requests as JSON lines on stdin, an answer line each on stdout
 * (fleet/README.md). */
#pragma once

#include "base/json.h"
#include "fleet/pg.h"

#define OPERATOR_LINE_MAX   (256u << 10)
#define OPERATOR_ANSWER_MAX (16u << 20)

/* Until `in` ends. Returns an exit status. */
int operator_run(int in, int out);

struct operator_side {
	struct pg *pg;    /* NULL: not connected */
	char sqlstate[6]; /* the server's reason for the last refusal, or "" */
};
/* On 0, *ret is the answer without "ok"; the caller frees it. Otherwise ERR_USAGE, ERR_CONFIG,
 * ERR_TIMEOUT, -ECONNRESET (pg is closed then) or ERR_REFUSED, with words. */
int request_run(struct operator_side *o, const struct json *request, struct json **ret,
    struct err *err) NODISCARD;

/* init.c. Applies the missing migrations, each in a transaction, under an advisory lock. */
int init_run(struct operator_side *o, const struct json *request, struct json **ret,
    struct err *err) NODISCARD;
/* Waits for an answer. ERR_REFUSED: the server refused; err has its words, sqlstate its reason. */
int operator_await(struct operator_side *o, struct err *err) NODISCARD;
/* Sends one statement, and waits likewise. */
int operator_ask(struct operator_side *o, const char *sql, const char *const *params, int count,
    struct err *err) NODISCARD;
