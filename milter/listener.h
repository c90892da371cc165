/* SPDX-License-Identifier: ISC */
/*
 * The place where Postfix finds the daemon: the `socket` of the settings. libmilter opens it; what
 * libmilter does not do is done here: directory, owner, and making sure that no live
 * daemon is robbed of it.
 */
#ifndef PQPURGE_MILTER_LISTENER_H
#define PQPURGE_MILTER_LISTENER_H

#include "base/endpoint.h"

/* Whether a process listens at this path. */
bool listener_is_heard(const struct sockaddr_un *address);
/* Makes path's last directory component with this mode if it is missing; gives it to uid:gid where
 * that is not (uid_t)-1. */
int listener_make_directory(
    const char *directory, mode_t mode, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* The same for the directory that the socket lies in. */
int listener_prepare(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* Gives the socket to uid:gid; either may be -1. */
int listener_give(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
void listener_remove(const struct endpoint *l);

#endif
