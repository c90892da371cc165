/* SPDX-License-Identifier: ISC */
/* Root's side of the order door: one connection, one order, one answer. */
#pragma once

#include "purge/session.h"

/*
 * Reads the order on fd, which must be whole within DOOR_FRAME_TIME, decides, carries it out and
 * answers. What is refused is logged and stands in the account, under the peer's name. Returns an
 * exit status; nothing that the peer sends is an error of ours.
 */
int serve_order(struct session *s, int fd);

/*
 * Makes the sockets in order_directory and serves them until SIGTERM, each order in a process of
 * its own: what systemd's units do, for hosts without. At most LISTEN_ORDERS_MAX at once on each
 * socket; further ones wait. An order that takes longer than LISTEN_ORDER_TIME is told to stop.
 */
#define LISTEN_ORDERS_MAX 16
#define LISTEN_ORDER_TIME (3600 * INT64_C(1000000))
/* Gives operator.sock, which systemd made, to operator_group; to root's group where there is none.
 */
int serve_grant(const struct settings *s, struct err *err) NODISCARD;
int serve_listen(struct session *s, struct err *err) NODISCARD;
