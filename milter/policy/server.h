/* SPDX-License-Identifier: ISC */
/*
 * The server of `policy_socket`. Each smtpd(8) keeps a connection for some minutes and sends one
 * request at a time. A few threads share one epoll set: a thread takes a connection with something
 * to read, answers, and gives it back, so neither connections nor slow peers make threads.
 *
 * A peer that sends nonsense, keeps us waiting for the rest of a request, or does not read is hung
 * up on; Postfix tries once more after a second and then does its default_action. Of too many
 * connections the one that was idle for longest is closed: Postfix connects again at once.
 */
#pragma once

#include "base/json.h"
#include "milter/policy/front.h"

#define POLICY_THREADS         4
#define POLICY_CONNECTIONS_MAX 4096
#define POLICY_PATIENCE        (10 * INT64_C(1000000)) /* for a whole request, microseconds */

struct policy_server;

/* Takes listener. front outlives it. */
int policy_server_start(
    struct policy_server **ret, int listener, struct front *front, struct err *err) NODISCARD;
/* No request is answered any more. Waits at most timeout microseconds for running ones; false if
 * some still run. NULL is fine. Status may still be asked. */
bool policy_server_stop(struct policy_server *s, int64_t timeout);
void policy_server_free(struct policy_server *s); /* of one that stopped; NULL is fine */
/* Adds "policy_connections" and "policy_requests". */
void policy_server_status(struct policy_server *s, struct json *out);
