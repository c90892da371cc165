/* SPDX-License-Identifier: ISC */
/* The command's access to the index and to the daemon. Each call forks a child that becomes the
 * owner of index_directory, with limited memory, CPU time and a deadline. The child asks the
 * daemon; if none runs, it opens the index itself and answers with the same code (serve.h). The
 * parent checks every byte of the answer, because the daemon's account is hostile to root.
 *
 * Without an index, calls return ERR_NO_INDEX or ERR_TIMEOUT with words, and callers go on with the
 * queue files alone. */
#pragma once

#include "base/settings/settings.h"
#include "index/control/serve.h"
#include "index/control/update.h"

struct index_client {
	const struct settings *settings;
	const volatile sig_atomic_t *stop; /* once set, calls return ERR_STOPPED; may be NULL */
};

/* The caller releases *ret. */
int client_select(const struct index_client *c, const struct selector *selector,
    struct candidates *ret, struct err *err) NODISCARD;

/* All IDs (index_names). The list may be unordered, with duplicates or malformed IDs, because the
 * daemon is not trusted. */
struct client_names {
	struct queue_place place;
	const struct packed_id *list;
	size_t count;
	uint64_t changes; /* index_changes after the listing; 0 unknown */
	struct blob memory;
	char queue_directory[256]; /* of the rows; "" not known yet */
};
int client_names(const struct index_client *c, struct client_names *ret, struct err *err) NODISCARD;
void client_names_release(struct client_names *names);

/* Sends an update (index_update). ret (may be NULL) gets those of the update's records that match
 * selector (may be NULL). */
int client_update(const struct index_client *c, const struct update *update,
    const struct selector *selector, struct candidates *ret, struct index_updated *ret_updated,
    struct err *err) NODISCARD;
/* An update without records whose answer nobody needs: client_send begins it (NULL if it cannot),
 * and client_await waits for its end. What c points to must last until then. */
struct client_sent;
struct client_sent *client_send(
    const struct index_client *c, const struct update *update) NODISCARD;
void client_await(struct client_sent *sent); /* frees; accepts NULL */

/* Sends any other request to the daemon; frees request. timeout: microseconds. ret may be NULL.
 * Returns ERR_REFUSED with the daemon's words, or ERR_NO_DAEMON if none runs. */
int client_ask(const struct index_client *c, struct json *request, int64_t timeout,
    struct json **ret, struct err *err) NODISCARD;
/* Also sends a body, which it takes over. */
int client_ask_with(const struct index_client *c, struct json *request, struct bytes *body,
    int64_t timeout, struct json **ret, struct err *err) NODISCARD;
/* Sends a request of serve.h to the daemon only. Returns ERR_TIMEOUT if the daemon gives no sign
 * within WIRE_ANSWER_TIME. */
int client_ask_served(const struct index_client *c, struct json *request, struct json **ret,
    struct err *err) NODISCARD;

/* See index_count. */
int client_count(const struct index_client *c, struct index_counts *ret, struct err *err) NODISCARD;

/* Returns 1 if a daemon answers, 0 if none runs, or ERR_TIMEOUT if one holds the socket but is
 * silent. */
int client_daemon(const struct index_client *c, struct err *err) NODISCARD;
