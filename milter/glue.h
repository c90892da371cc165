/* SPDX-License-Identifier: ISC */
/*
 * The glue to libmilter (the only file that includes <libmilter/mfapi.h>): its callbacks turn what
 * Postfix says into calls of a session, and verdicts into replies. Debian's libmilter moves a
 * connection between threads from call to call, so nothing is kept per thread.
 */
#ifndef PQPURGE_MILTER_GLUE_H
#define PQPURGE_MILTER_GLUE_H

#include "milter/floodkeeper.h"
#include "milter/indexkeeper.h"
#include "milter/rulekeeper.h"
#include "milter/session.h"

struct glue_config {
	struct session_config session;
	struct rulekeeper *rules;
	struct floodkeeper *floods;
	struct indexkeeper *index; /* may be set after glue_open_socket, before glue_main */
};

/*
 * Opens the milter's socket (libmilter notation). A socket file that a dead process left is
 * replaced: make sure before that no live one listens. The file's mode comes from the umask.
 */
int glue_open_socket(const char *socket, struct err *err) NODISCARD;

/* Serves until libmilter ends itself; 0, or ERR_REFUSED. config outlives the process. */
int glue_main(const struct glue_config *config, struct err *err) NODISCARD;
/*
 * glue_main may be at work still, and libmilter's threads are in any case. Waits until no callback
 * is, and lets no other one begin; false if some still are at work after timeout microseconds.
 * Postfix gets no answer from here on, and falls back to its own default action.
 */
bool glue_drain(int64_t timeout);

/* Adds sessions and without_id. */
void glue_status(struct json *out);

#endif
