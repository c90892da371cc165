/* SPDX-License-Identifier: ISC */
/* Root's side of the order door: one connection, one order, one answer. */
#pragma once

#include "purge/session.h"

/* Reads the order on fd, which must be complete within DOOR_FRAME_TIME, carries it out if it is
 * allowed, and answers. Refusals are logged and accounted for under the peer's name. The exit
 * status is 0 whatever the peer sends. */
int serve_order(struct session *s, int fd);

/* Makes the sockets in order_directory and serves them until SIGTERM. As with systemd's units, each
 * order has its own process; at most LISTEN_ORDERS_MAX run at once for each socket, and further
 * ones wait. An order that takes more than LISTEN_ORDER_TIME (microseconds) is asked to stop. */
#define LISTEN_ORDERS_MAX 16
#define LISTEN_ORDER_TIME (3600 * INT64_C(1000000))
int serve_listen(struct session *s, struct err *err) NODISCARD;
/* Gives operator.sock, which systemd made, to operator_group, or to root's group if that is
 * empty. */
int serve_grant(const struct settings *s, struct err *err) NODISCARD;
