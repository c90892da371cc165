/* SPDX-License-Identifier: ISC */
/*
 * The command's way to the index and to the daemon. Each call forks a child that is the owner of
 * index_directory (base/role.h) with RLIMIT_AS, RLIMIT_CPU and a deadline. The child asks the
 * daemon over its socket; while none runs it opens the index itself under the lock and answers the
 * same question by the same function. What comes back is checked here byte by byte: the daemon's
 * account is hostile to root.
 *
 * No index to be had (no directory, no daemon that answers within WIRE_ANSWER_TIME, a lock that is
 * not let go, a full file system) is ERR_NO_INDEX or ERR_TIMEOUT with words; callers go on with
 * the queue files alone and say so.
 */
#ifndef PQPURGE_INDEX_CLIENT_H
#define PQPURGE_INDEX_CLIENT_H

#include <signal.h>

#include "base/settings.h"
#include "index/serve.h"
#include "index/update.h"

/* Whom to ask. */
struct index_client {
	const struct settings *settings;
	const volatile sig_atomic_t
	    *stop; /* set: the call ends with ERR_STOPPED soon; may be NULL */
};

/* Rows that selector means. */
int client_select(const struct index_client *c, const struct selector *selector,
    struct candidates *ret, struct err *err) NODISCARD;

/* All IDs (index_names), in memory of ours. They are what the daemon says: perhaps in another
 * order, perhaps no IDs (queue_id_unpack), perhaps one twice. */
struct client_names {
	struct queue_place place;
	const struct packed_id *list;
	size_t count;
	struct blob memory;
	char queue_directory[256]; /* whose rows these are; "" not known yet */
};
int client_names(const struct index_client *c, struct client_names *ret, struct err *err) NODISCARD;
void client_names_release(struct client_names *names);

/* index_update; body is update_encode's. ret may be NULL; it gets what selector (may be NULL) means
 * of the read ones. */
int client_update(const struct index_client *c, struct span body, const struct selector *selector,
    struct candidates *ret, struct index_updated *ret_updated, struct err *err) NODISCARD;

/*
 * Any other request: sends request (freed) to the daemon and hands its answer over; ERR_REFUSED
 * with the daemon's words where it says no, ERR_NO_DAEMON where none runs. ret may be NULL. An
 * answer that came as a memory file is JSON text of at most 16 MiB.
 */
int client_ask(const struct index_client *c, struct json *request, int64_t timeout,
    struct json **ret, struct err *err) NODISCARD;

/* What is in the index (index_count); *ret_by_daemon whether a daemon said so (may be NULL). */
int client_count(const struct index_client *c, struct index_counts *ret, bool *ret_by_daemon,
    struct err *err) NODISCARD;

/* Whether a daemon answers: 1, 0, or ERR_TIMEOUT (one holds the socket and says nothing). */
int client_daemon(const struct index_client *c, struct err *err) NODISCARD;

#endif
