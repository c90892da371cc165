/* SPDX-License-Identifier: ISC */
/*
 * A connection to PostgreSQL that does not block (except in the resolver: libpq calls getaddrinfo).
 * Connecting and each question have a deadline, since a server that hangs closes nothing. One
 * question at a time. Only pg.c knows libpq. The server's words are not trusted: texts in err are
 * scrubbed, values are not.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define PG_CONNECT_TIME (10 * INT64_C(1000000)) /* microseconds, over all hosts of the conninfo */
#define PG_ANSWER_TIME  (10 * INT64_C(1000000))
#define PG_PARAMS_MAX   16

struct pg;

enum pg_event {
	PG_WAITS,     /* nothing yet: poll pg_fd for pg_poll_events until pg_deadline */
	PG_CONNECTED, /* once: ready for the first question */
	PG_ANSWERED,  /* pg_sqlstate, pg_rows, pg_value tell */
};

/*
 * Begins to connect by conninfo (libpq's words or a URI; PG* variables and service files complete
 * it) as the role user (NULL: libpq's choice). turn counts attempts: each begins with another host
 * of the conninfo, since one that hangs uses up the whole time. ERR_CONFIG with words: conninfo
 * makes no sense, or asks for less than sslmode=verify-full, the default here (a Unix socket needs
 * no TLS). -ENOMEM.
 */
int pg_open(const char *conninfo, const char *user, unsigned turn, struct pg **ret,
    struct err *err) NODISCARD;
void pg_close(struct pg *pg); /* takes NULL */

int pg_fd(const struct pg *pg);
short pg_poll_events(const struct pg *pg);
int64_t pg_deadline(const struct pg *pg); /* steady; INT64_MAX while it is idle */
bool pg_is_idle(const struct pg *pg);     /* connected, and no question is out */

/* Goes on after a poll, or at the deadline: an event, or a negative code, after which only pg_close
 * makes sense: ERR_REFUSED (the server said no; or there is no TLS), -ECONNRESET, ERR_TIMEOUT. */
int pg_step(struct pg *pg, struct err *err) NODISCARD;

/* Sends one statement with text parameters (NULL: null). A negative code as of pg_step. */
int pg_ask(struct pg *pg, const char *sql, const char *const *params, int count,
    struct err *err) NODISCARD;
/* Sends several statements without parameters; the answer is the last one's or the first error. */
int pg_ask_script(struct pg *pg, const char *sql, struct err *err) NODISCARD;

/* Of the last answer, until the next question. */
const char *pg_sqlstate(const struct pg *pg); /* "": no error; five characters otherwise */
const char *pg_words(const struct pg *pg); /* the server's first line about the error; scrubbed */
size_t pg_rows(const struct pg *pg);
const char *pg_value(const struct pg *pg, size_t row, int column); /* NULL: null, or not there */
const char *pg_text(const struct pg *pg, size_t row, int column);  /* "" for null */
/* The value, scrubbed in place; "" for null. */
const char *pg_scrubbed(struct pg *pg, size_t row, int column);
int64_t pg_number(const struct pg *pg, size_t row, int column); /* 0: null, or no number */
bool pg_truth(const struct pg *pg, size_t row, int column);

/* The next notification's payload (valid until the next call); NULL: none. */
const char *pg_notice(struct pg *pg);
/* Warnings of the server since the connection began, scrubbed: a packed list of at most 20. */
struct strlist pg_warnings(const struct pg *pg);
const char *pg_user(const struct pg *pg);

/* Wait until connected, or until answered. 0 or a negative code as of pg_step. */
int pg_await_connection(struct pg *pg, struct err *err) NODISCARD;
int pg_await_answer(struct pg *pg, struct err *err) NODISCARD;
