/* SPDX-License-Identifier: ISC */
/* Mail of an incident's key, held for the daemon. */
#pragma once

#include "door/door.h"
#include "purge/door/peer.h"
#include "purge/session.h"

/*
 * Holds what the key sent within the window: selected, proven and accounted like any hold, under
 * the peer's name and the order's token; command is the account's. Nothing else can come of it.
 */
int hold_run(struct session *s, const struct peer *peer, const char *command,
    const struct door_hold *hold, struct door_end *ret, struct err *err) NODISCARD;
