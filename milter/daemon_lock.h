/* SPDX-License-Identifier: ISC */
/* The lock that allows only one daemon: flock(2) on state_directory/lock for the daemon's life.
 * While no daemon runs, commands hold it to edit the stored rules. */
#pragma once

#include "base/err.h"

struct daemon_lock {
	const char *directory;
	uid_t uid; /* new owner of the file; (uid_t)-1: unchanged */
	gid_t gid;
	int fd;          /* -1: not held */
	bool ran_before; /* result: another daemon held it since the machine's start */
};

/* Waits at most patience microseconds. ERR_LOCKED names the process that holds it. A file that
 * cannot be opened or locked is only logged. */
int daemon_lock_take(struct daemon_lock *l, int64_t patience, struct err *err) NODISCARD;
/* Call it each second. If the directory was replaced or has appeared, takes the lock there and
 * drops the old one, which would keep its file system from being unmounted. */
void daemon_lock_keep(struct daemon_lock *l);
