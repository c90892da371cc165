/* SPDX-License-Identifier: ISC */
/*
 * The executor: an order of the fleet, run by root. fleet_allow and fleet_max_messages decide.
 *
 * An acting verb's batch has the order's token in the account, so that each order is done once. If
 * a batch of that token dealt with all its matches, its numbers are the answer and nothing is run.
 * If a killed or stopped executor left it unfinished, the verb is run again and the numbers add up.
 */
#pragma once

#include "door/door.h"
#include "purge/door/peer.h"
#include "purge/session.h"

/* Carries out the order and answers on fd; the caller sends the last frame, *ret. ERR_REFUSED with
 * words: not allowed, nothing was touched. */
int fleet_run(struct session *s, int fd, const struct peer *peer, const struct door_fleet *order,
    struct door_end *ret, struct err *err) NODISCARD;
/* Writes this host's health to fd: one JSON object (fleet/README.md). */
int fleet_health(struct session *s, int fd, struct err *err) NODISCARD;
/* Hands the rules to the daemon or, if none runs, writes them into its file. first is the frame
 * that was read; the others are read from fd. */
int fleet_rules(struct session *s, int fd, const struct door_rules *first, struct door_end *ret,
    struct err *err) NODISCARD;
