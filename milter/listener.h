/* SPDX-License-Identifier: ISC */
/* What the daemon's two sockets share: their directory, their owner, and the refusal to replace
 * a running daemon's socket. */
#pragma once

#include "base/endpoint.h"

/* Makes directory with this mode if it is missing, and gives it to uid:gid unless uid is
 * (uid_t)-1. */
int listener_make_directory(
    const char *directory, mode_t mode, uid_t uid, gid_t gid, struct err *err) NODISCARD;

struct listener_config {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	int (*open)(void *arg, struct err *err); /* binds; a negative code: failed */
	void *arg;
};

/* Opens a socket with this owner and mode, never wider. Root also makes its directory; without
 * root, a socket that cannot be given away is only logged. ERR_LOCKED if a process listens there (a
 * port in use makes bind(2) fail). */
int listener_open(
    const struct endpoint *l, const struct listener_config *c, struct err *err) NODISCARD;
/* Gives the socket to uid:gid; -1 keeps either one. */
int listener_give(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
void listener_remove(const struct endpoint *l);
