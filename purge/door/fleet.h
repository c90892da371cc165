/* SPDX-License-Identifier: ISC */
/*
 * The executor: an order of the fleet, run by root. fleet_allow and fleet_max_messages decide.
 *
 * An acting verb's batch has the order's token in the account, so each order is done once: where a
 * batch of that token dealt with all it matched, its numbers are the answer, and nothing is run.
 * One that a killed or stopped executor left behind is gone on with, and its numbers are added.
 */
#pragma once

#include "door/door.h"
#include "purge/door/peer.h"
#include "purge/session.h"

/* Answers on fd, all but the end. ERR_REFUSED with words: not allowed, nothing was touched. */
int fleet_run(struct session *s, int fd, const struct peer *peer, const struct door_fleet *order,
    struct door_end *ret, struct err *err) NODISCARD;
/* How this host does, as one JSON object on fd (fleet/README.md). */
int fleet_health(struct session *s, int fd, struct err *err) NODISCARD;
/* Hands the rules to the daemon or, where none runs, writes them into its file. first: the frame
 * that came; further ones are read from fd. */
int fleet_rules(struct session *s, int fd, const struct door_rules *first, struct door_end *ret,
    struct err *err) NODISCARD;
