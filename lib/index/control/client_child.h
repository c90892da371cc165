/* SPDX-License-Identifier: ISC */
/* The child's side of a call: asks the daemon, or answers from the index itself. */
#pragma once

#include "index/control/client.h"

struct client_call {
	const struct settings *settings;
	struct strbuf request;           /* a whole line */
	struct bytes body;               /* may be empty */
	const struct selector *selector; /* may be NULL */
	bool daemon_only;                /* hand the answer's text over unchanged */
	bool served;      /* a request of serve.h: a sign comes within WIRE_ANSWER_TIME */
	int64_t deadline; /* steady */
};

/* A role_work; arg is a struct client_call. Puts the answer's bytes, then struct served. Rows from
 * a daemon that do not match the selector count as damaged. */
int client_child(void *arg, struct bytes *out, struct err *err);
/* Puts a daemon's positive answer: 0 or ERR_CHILD. */
int client_take(
    const struct client_call *call, const struct json *line, struct span body, struct bytes *out);
/* Takes struct served off the end of the child's output: 0 or ERR_CHILD. */
int client_view(struct blob *memory, struct served *ret) NODISCARD;
/* Fills n from n->memory: 0 or ERR_CHILD. */
int client_view_names(struct client_names *n) NODISCARD;
