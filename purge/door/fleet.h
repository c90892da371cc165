/* SPDX-License-Identifier: ISC */
/* Runs an order of the fleet as root, within fleet_allow and fleet_max_messages.
 *
 * Each order is done once: an acting verb's batch has the order's token in the account. If a batch
 * of that token dealt with all its matches, nothing runs and its numbers are the answer. If a
 * killed or stopped executor left it unfinished, the verb runs again and the numbers add up. */
#pragma once

#include "door/door.h"
#include "purge/door/peer.h"
#include "purge/session.h"

/* Answers on fd. The caller sends *ret, the last frame. ERR_REFUSED with words: not allowed, and
 * nothing was touched. */
int fleet_run(struct session *s, int fd, const struct peer *peer, const struct door_fleet *order,
    struct door_end *ret, struct err *err) NODISCARD;
/* Writes this host's health to fd: one JSON object (fleet/README.md). */
int fleet_health(struct session *s, int fd, struct err *err) NODISCARD;
/* Hands the rules to the daemon, or writes them into its file if none runs. first is the frame
 * already read; the others are read from fd. */
int fleet_rules(struct session *s, int fd, const struct door_rules *first, struct door_end *ret,
    struct err *err) NODISCARD;
