/* SPDX-License-Identifier: ISC */
/* What the daemon's two sockets share: their directory, their owner, and the refusal to replace
 * a running daemon's socket. */
#pragma once

#include "base/endpoint.h"

/* Makes directory with this mode if it is missing, and gives it to uid:gid unless uid is
 * (uid_t)-1. */
int listener_make_directory(
    const char *directory, mode_t mode, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* Likewise for the socket's directory. */
int listener_prepare(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* ERR_LOCKED if a process listens there. A port in use makes bind(2) fail. */
int listener_is_free(const struct endpoint *l, struct err *err) NODISCARD;
/* Gives the socket to uid:gid; -1 keeps either one. */
int listener_give(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
void listener_remove(const struct endpoint *l);
