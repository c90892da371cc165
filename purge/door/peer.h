/* SPDX-License-Identifier: ISC */
/* The user at the other end of an order socket, and the orders that they may send. */
#pragma once

#include "base/settings/settings.h"
#include "door/door.h"

enum peer_kind { PEER_STRANGER, PEER_OPERATOR, PEER_FLEET, PEER_DAEMON, PEER_ROOT, PEER_KINDS };

struct peer {
	enum peer_kind kind;
	uid_t uid;
	char user[64]; /* login name, or "uid 123" */
};

/* Asks the kernel (SO_PEERCRED, SO_PEERGROUPS) for the ids that the process had when it connected.
 * If several kinds fit, the last one counts: the daemon's user is no operator, whatever groups it
 * has. */
int peer_of(int fd, const struct settings *settings, struct peer *ret, struct err *err) NODISCARD;
/* The table of door.h. */
bool peer_may(const struct peer *peer, enum door_kind kind);
const char *peer_word(enum peer_kind kind); /* "operator" */
