/* SPDX-License-Identifier: ISC */
/* The writer's lock: a file that is flock'd for as long as it is open, and says whose it is. */
#ifndef PQPURGE_INDEX_HOME_LOCK_H
#define PQPURGE_INDEX_HOME_LOCK_H

#include "base/err.h"

/* Takes it without waiting. ERR_LOCKED with the pid and name of who has it; -EACCES, -ENOENT. */
int home_lock(const char *directory, int *ret_fd, struct err *err) NODISCARD;

/* Whether fd is still directory's lock file. */
bool home_lock_is_current(int fd, const char *directory);

#endif
