/* SPDX-License-Identifier: ISC */
/* The daemon's sockets, apart from what libmilter and the policy server do: directory, owner, and
 * protection of a live daemon. */
#pragma once

#include "base/endpoint.h"

/* Makes directory with this mode if it is missing and gives it to uid:gid, unless uid is (uid_t)-1.
 */
int listener_make_directory(
    const char *directory, mode_t mode, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* The same for the directory that the socket lies in. */
int listener_prepare(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* ERR_LOCKED if a process listens there. Of a port bind(2) says so itself. */
int listener_is_free(const struct endpoint *l, struct err *err) NODISCARD;
/* Gives the socket to uid:gid; -1 keeps either. */
int listener_give(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
void listener_remove(const struct endpoint *l);
