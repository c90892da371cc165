/* SPDX-License-Identifier: ISC */
/* The daemon's order to hold the mail of an incident's key. */
#pragma once

#include "door/door.h"
#include "purge/door/peer.h"
#include "purge/session.h"

/* Holds what the key sent within the window, selected, proven and accounted for like any hold,
 * under the peer's name and the order's token. command is the text for the account. */
int hold_run(struct session *s, const struct peer *peer, const char *command,
    const struct door_hold *hold, struct door_end *ret, struct err *err) NODISCARD;
