/* SPDX-License-Identifier: ISC */
/* The lock that makes a daemon the only one: flock(2) on state_directory/lock, for its life. While
 * no daemon runs, commands edit the stored rules under it. */
#pragma once

#include "base/err.h"

struct daemon_lock {
	const char *directory;
	uid_t uid; /* the file's new owner; (uid_t)-1: unchanged */
	gid_t gid;
	int fd;          /* -1: not held */
	bool ran_before; /* returned: since the machine's start another daemon had it */
};

/* Waits at most patience microseconds. ERR_LOCKED names the owner's process. If the file cannot be
 * opened or locked, that is logged and no failure. */
int daemon_lock_take(struct daemon_lock *l, int64_t patience, struct err *err) NODISCARD;
/* Each second: if the directory was replaced or has appeared, takes the lock there. The old one
 * protects nothing and would keep its file system from being unmounted. */
void daemon_lock_keep(struct daemon_lock *l);
