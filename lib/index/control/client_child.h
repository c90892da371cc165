/* SPDX-License-Identifier: ISC */
/* The child's side of a client call: it asks the daemon, or answers from the index itself. */
#pragma once

#include "index/control/client.h"

struct client_call {
	const struct settings *settings;
	struct strbuf request; /* one line with its newline */
	struct bytes body;
	const struct selector *selector; /* may be NULL */
	/* Never open the index; hand over the text of the answer unchanged. */
	bool daemon_only;
	/* A request of serve.h: the daemon gives a sign within WIRE_ANSWER_TIME. */
	bool served;
	int64_t began, deadline; /* steady clock */
};

/* A role_work; arg is a struct client_call. Writes the bytes of the answer, then a struct served.
 * Rows from a daemon that do not match the selector count as damaged. */
int client_child(void *arg, struct bytes *out, struct err *err);
/* Writes a daemon's positive answer. body: a mapping of its own if it is long. Returns 0 or
 * ERR_CHILD. */
int client_take(
    const struct client_call *call, const struct json *line, struct span body, struct bytes *out);
/* Removes the struct served from the end of the child's output. Returns 0 or ERR_CHILD. */
int client_view(struct blob *memory, struct served *ret) NODISCARD;
/* Fills n from n->memory. Returns 0 or ERR_CHILD. */
int client_view_names(struct client_names *n) NODISCARD;
