/* SPDX-License-Identifier: ISC */
/* Libmilter's callbacks turn Postfix's events into calls of a session, and verdicts into
 * replies. Debian's libmilter moves a connection between threads from call to call, so nothing
 * is kept in thread-local storage. */
#pragma once

#include "milter/flood/floodkeeper.h"
#include "milter/indexkeeper.h"
#include "milter/rules/rulekeeper.h"
#include "milter/session.h"

struct glue_config {
	struct session_config session;
	struct rulekeeper *rules;
	struct floodkeeper *floods;
	struct indexkeeper *index; /* may be set between glue_open_socket and glue_main */
};

/* Opens the milter's socket (in libmilter's notation) and replaces a file there, so make sure
 * first that no process listens on it. The umask sets its mode. */
int glue_open_socket(const char *socket, struct err *err) NODISCARD;

/* An indexkeeper_told; arg: the floodkeeper. The message counts for the flood watch. */
void glue_settled(void *arg, const struct message *m, bool recorded);

/* Serves until libmilter ends; 0, or ERR_REFUSED. config must outlive the process. */
int glue_main(const struct glue_config *config, struct err *err) NODISCARD;
/* Waits until no callback runs, and lets no other begin: Postfix gets no more answers and takes
 * its default action. False if some still run after timeout microseconds. */
bool glue_drain(int64_t timeout);

/* Adds "sessions" and "without_id". */
void glue_status(struct json *out);
