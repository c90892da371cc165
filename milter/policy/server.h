/* SPDX-License-Identifier: ISC */
/* The server of `policy_socket`. Each smtpd(8) keeps a connection for some minutes and sends one
 * request at a time. A few threads share one epoll set, so neither connections nor slow peers
 * need a thread of their own.
 *
 * We hang up on a peer that sends nonsense, delays the rest of a request, or does not read. Postfix
 * then tries once more after a second, and then takes its default_action. With too many
 * connections, the one that was idle longest is closed; Postfix connects again at once. */
#pragma once

#include "base/json.h"
#include "milter/policy/front.h"

#define POLICY_THREADS         4
#define POLICY_CONNECTIONS_MAX 4096
#define POLICY_PATIENCE        (10 * INT64_C(1000000)) /* microseconds for a complete request */

struct policy_server;

/* Takes over listener. front must outlive it. */
int policy_server_start(
    struct policy_server **ret, int listener, struct front *front, struct err *err) NODISCARD;
/* Waits at most timeout microseconds for running requests; false if some still run. Accepts NULL.
 * policy_server_status may still be called. */
bool policy_server_stop(struct policy_server *s, int64_t timeout);
void policy_server_free(struct policy_server *s); /* after policy_server_stop */
/* Adds "policy_connections" and "policy_requests". */
void policy_server_status(struct policy_server *s, struct json *out);
