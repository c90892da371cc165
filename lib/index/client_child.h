/* SPDX-License-Identifier: ISC */
/* The child's side of a call: one request, asked of the daemon or answered here. */
#ifndef PQPURGE_INDEX_CLIENT_CHILD_H
#define PQPURGE_INDEX_CLIENT_CHILD_H

#include "index/client.h"

struct client_call {
	const struct settings *settings;
	struct strbuf request;           /* a whole line */
	struct bytes body;               /* empty: it has none */
	const struct selector *selector; /* what it asks about; may be NULL */
	bool daemon_only; /* none of serve.h's: the answer's text is handed over as it is */
	int64_t deadline; /* steady; also of the first sign, where that comes later */
};

/*
 * Makes it: a role_work whose arg is a struct client_call. It hands over the answer's bytes and
 * then struct served. Of a daemon's rows those that the selector does not mean count as damaged.
 */
int client_child(void *arg, struct bytes *out, struct err *err);
/* Puts what a daemon said yes to. 0 or ERR_CHILD. */
int client_take(
    const struct client_call *call, const struct json *line, struct span body, struct bytes *out);
/* Takes struct served off the end of what a child handed over: 0 or ERR_CHILD. */
int client_view(struct blob *memory, struct served *ret) NODISCARD;
/* The rest of names; n->memory is what came. 0 or ERR_CHILD. */
int client_view_names(struct client_names *n) NODISCARD;

#endif
