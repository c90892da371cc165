/* SPDX-License-Identifier: ISC */
/* A connection to PostgreSQL that does not block, except in the resolver (libpq calls getaddrinfo).
 * Connecting and each question have a deadline, since a hanging server closes nothing. One question
 * at a time. The server's words are not trusted: texts in err are scrubbed, values are not. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define PG_CONNECT_TIME (10 * INT64_C(1000000)) /* microseconds, for all hosts together */
#define PG_ANSWER_TIME  (10 * INT64_C(1000000))
#define PG_PARAMS_MAX   16

struct pg;

enum pg_event {
	PG_WAITS,     /* nothing yet: poll pg_fd for pg_poll_events until pg_deadline */
	PG_CONNECTED, /* reported once: ready for the first question */
	PG_ANSWERED,  /* read it by pg_sqlstate, pg_rows, pg_value */
};

/* Begins to connect. conninfo is in libpq's form or a URI; PG* variables and service files complete
 * it. user NULL: libpq's default. turn counts attempts: each begins with another host, since a
 * hanging one uses up the whole time. ERR_CONFIG with words: conninfo is malformed, or allows less
 * than sslmode=verify-full, the default here (Unix sockets need no TLS). -ENOMEM. */
int pg_open(const char *conninfo, const char *user, unsigned turn, struct pg **ret,
    struct err *err) NODISCARD;
void pg_close(struct pg *pg);

int pg_fd(const struct pg *pg);
short pg_poll_events(const struct pg *pg);
int64_t pg_deadline(const struct pg *pg); /* steady microseconds; INT64_MAX while idle */
bool pg_is_idle(const struct pg *pg);     /* connected, and no question is pending */

/* After a poll and at the deadline. Returns an event or a negative code, after which only pg_close
 * is allowed: ERR_REFUSED (by the server, or it has no TLS), -ECONNRESET, ERR_TIMEOUT. */
int pg_step(struct pg *pg, struct err *err) NODISCARD;

/* One statement with text parameters (NULL: SQL null). Errors as pg_step. */
int pg_ask(struct pg *pg, const char *sql, const char *const *params, int count,
    struct err *err) NODISCARD;
/* Several statements without parameters. The answer is the first error, or else the last one's. */
int pg_ask_script(struct pg *pg, const char *sql, struct err *err) NODISCARD;

/* The last answer, which lives until the next question. */
const char *pg_sqlstate(const struct pg *pg); /* five characters; "" without an error */
const char *pg_words(struct pg *pg);          /* first line of the server's error; scrubbed */
size_t pg_rows(const struct pg *pg);
const char *pg_value(const struct pg *pg, size_t row, int column); /* NULL: null, or no such cell */
const char *pg_text(const struct pg *pg, size_t row, int column);  /* "" for SQL null */
/* Scrubbed in place; "" for SQL null. */
const char *pg_scrubbed(struct pg *pg, size_t row, int column);
int64_t pg_number(const struct pg *pg, size_t row, int column); /* 0: SQL null, or no number */
bool pg_truth(const struct pg *pg, size_t row, int column);

/* Valid until the next call; NULL: none. */
const char *pg_notice(struct pg *pg);
/* Since the connection began: at most 20, scrubbed, a packed list. */
struct strlist pg_warnings(const struct pg *pg);
const char *pg_user(const struct pg *pg);

/* For callers that may block. 0, or a negative code as pg_step. */
int pg_await_connection(struct pg *pg, struct err *err) NODISCARD;
int pg_await_answer(struct pg *pg, struct err *err) NODISCARD;
