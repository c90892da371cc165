/* SPDX-License-Identifier: ISC */
/* The daemon's sockets: their directory, their owner, and the protection of a running daemon.
 * libmilter and the policy server do the rest. */
#pragma once

#include "base/endpoint.h"

/* Makes directory with this mode if it is missing, and gives it to uid:gid unless uid is
 * (uid_t)-1. */
int listener_make_directory(
    const char *directory, mode_t mode, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* The same for the directory of the socket. */
int listener_prepare(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* ERR_LOCKED if a process listens there. For a port, bind(2) finds that out. */
int listener_is_free(const struct endpoint *l, struct err *err) NODISCARD;
/* Gives the socket to uid:gid; -1 keeps either one. */
int listener_give(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
void listener_remove(const struct endpoint *l);
