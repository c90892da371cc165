/* SPDX-License-Identifier: ISC */
/* The child's side of a call: one request, asked of the daemon or answered here. */
#ifndef PQPURGE_INDEX_CLIENT_CHILD_H
#define PQPURGE_INDEX_CLIENT_CHILD_H

#include "base/settings.h"
#include "index/serve.h"

/* What came: an answer that says yes. */
struct client_answer {
	const struct json *line;
	const struct strbuf *text; /* of line */
	struct span body;          /* of its memory file; empty for none */
	bool by_daemon;
	const struct selector *selector; /* that was asked about; NULL for none */
};
/* Writes to out, for the parent, what an answer holds. 0 or a negative code. */
typedef int client_take(const struct client_answer *answer, struct bytes *out);

struct client_call {
	const struct settings *settings;
	struct strbuf request;           /* a whole line */
	struct bytes body;               /* empty: it has none */
	const struct selector *selector; /* what it asks about; may be NULL */
	bool daemon_only;
	int64_t deadline; /* steady; also of the first sign, where that comes later */
	client_take *take;
};

/* Makes it: a role_work whose arg is a struct client_call. */
int client_child(void *arg, struct bytes *out, struct err *err);

#endif
