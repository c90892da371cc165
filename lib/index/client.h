/* SPDX-License-Identifier: ISC */
/*
 * The command's way to the writer. Each call forks a child that is the index's owner (base/role.h);
 * it talks to the daemon over control.sock, or, with no daemon, takes the lock and applies the
 * requests itself.
 */
#ifndef PQPURGE_INDEX_CLIENT_H
#define PQPURGE_INDEX_CLIENT_H

#include "base/role.h"
#include "base/str.h"
#include "index/request.h"

struct client_answer {
	int code;             /* of the last request; 0 = all applied */
	uint64_t value;       /* of the last request */
	bool by_daemon;       /* false: applied directly, no daemon runs */
	bool saved;           /* see struct reply */
	struct strbuf text;   /* words for code */
	struct strbuf status; /* STATUS only */
};
void client_answer_release(struct client_answer *answer);

/*
 * Sends requests (encoded, count of them, one after another, stopping at the first failure) and
 * waits for each answer, all within timeout microseconds. Returns 0 when an answer came
 * (answer->code says how it went), ERR_NO_INDEX, ERR_TIMEOUT (a daemon that does not answer),
 * ERR_LOCKED (no socket, but another writer), ERR_CHILD.
 */
int client_send(const char *directory, const struct span *requests, size_t count, int64_t timeout,
    struct client_answer *ret, struct err *err) NODISCARD;

#endif
