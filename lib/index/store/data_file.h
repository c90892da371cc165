/* SPDX-License-Identifier: ISC */
#pragma once

#include "base/err.h"

/* Bytes free for this user on fd's file system; UINT64_MAX if unknown. */
uint64_t data_file_free(int fd);
/* Whether path still names fd's file; true if unknown. */
bool data_file_is(const char *path, int fd);
/* Allocates LMDB's lock file: LMDB writes to a mapping of it, which on a full tmpfs is SIGBUS. 0 or
 * -errno. */
int data_file_reserve_lock(const char *path) NODISCARD;
/* Renames the data file, which nobody may have open, to path.bad and removes its lock file. 0, also
 * if there is none, or -errno. */
int data_file_set_aside(const char *path) NODISCARD;
/* Removes the data file and its lock file. */
int data_file_remove(const char *path) NODISCARD;
