/* SPDX-License-Identifier: ISC */
/*
 * The lock that makes a daemon the only one: flock(2) on state_directory/lock, for its life. While
 * no daemon runs a command edits the stored rules under the same lock, for some milliseconds.
 */
#ifndef PQPURGE_MILTER_DAEMON_LOCK_H
#define PQPURGE_MILTER_DAEMON_LOCK_H

#include "base/err.h"

struct daemon_lock {
	const char *directory;
	uid_t uid; /* whose the file becomes; (uid_t)-1: whoever makes it */
	gid_t gid;
	int fd; /* -1: not held */
};

/*
 * Takes it, waiting at most patience microseconds. ERR_LOCKED names the process that has it. Where
 * the file cannot be opened or locked it is not held; that is logged and no failure.
 */
int daemon_lock_take(struct daemon_lock *l, int64_t patience, struct err *err) NODISCARD;
/*
 * Each second. Where the directory was replaced, or has come late, takes the lock in the new one:
 * that of the old one keeps nobody out, and keeps its file system from being unmounted.
 */
void daemon_lock_keep(struct daemon_lock *l);

#endif
