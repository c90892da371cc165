/* SPDX-License-Identifier: ISC */
/* Root's side of the order door: one connection, one order, one answer. */
#pragma once

#include "purge/session.h"

/*
 * Reads the order on fd, which must be whole within DOOR_FRAME_TIME, decides, carries it out and
 * answers. Refusals are logged and accounted for under the peer's name. Returns an exit status,
 * which is 0 whatever the peer sends.
 */
int serve_order(struct session *s, int fd);

/*
 * Makes the sockets in order_directory and serves them until SIGTERM, each order in a process of
 * its own, as systemd's units do. At most LISTEN_ORDERS_MAX at once on each socket; further ones
 * wait. An order that takes longer than LISTEN_ORDER_TIME (microseconds) is told to stop.
 */
#define LISTEN_ORDERS_MAX 16
#define LISTEN_ORDER_TIME (3600 * INT64_C(1000000))
int serve_listen(struct session *s, struct err *err) NODISCARD;
/* Gives operator.sock, which systemd made, to operator_group; if that is empty, to root's group. */
int serve_grant(const struct settings *s, struct err *err) NODISCARD;
