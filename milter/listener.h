/* SPDX-License-Identifier: ISC */
/*
 * The place where Postfix finds the daemon: the `socket` of the settings, taken apart. libmilter
 * opens it; what libmilter does not do is done here: directory, owner, and making sure that no live
 * daemon is robbed of it.
 */
#ifndef PQPURGE_MILTER_LISTENER_H
#define PQPURGE_MILTER_LISTENER_H

#include <sys/un.h>

#include "base/err.h"

enum listener_kind {
	LISTENER_UNIX, /* unix:/path, local:/path, /path */
	LISTENER_INET, /* inet:port@host, inet6:port@host */
	LISTENER_FD,   /* fd:N, a socket that systemd opened */
};

struct listener {
	enum listener_kind kind;
	struct sockaddr_un address; /* UNIX only */
};

/* Takes the notation apart. ERR_CONFIG with words: unknown kind, relative or too long path, no
 * port. */
int listener_parse(const char *socket, struct listener *ret, struct err *err) NODISCARD;
/* 0 if nobody listens there; ERR_LOCKED where somebody does. */
int listener_probe(const struct listener *l, struct err *err) NODISCARD;
/* Makes path's last directory component with this mode if it is missing; gives it to uid:gid where
 * that is not (uid_t)-1. */
int listener_make_directory(
    const char *directory, mode_t mode, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* The same for the directory that the socket lies in. */
int listener_prepare(const struct listener *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
/* Gives the socket to uid:gid; either may be -1. */
int listener_give(const struct listener *l, uid_t uid, gid_t gid, struct err *err) NODISCARD;
void listener_remove(const struct listener *l);

#endif
