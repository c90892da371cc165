/* SPDX-License-Identifier: ISC */
#pragma once

#include "base/err.h"

/* Bytes that this user may still write to fd's file system; UINT64_MAX if unknown. */
uint64_t data_file_free(int fd);
/* Whether path still names fd's file; true if unknown. */
bool data_file_is(const char *path, int fd);
/* A checksum of the file's bytes and length; some 0.5 s for 1 GiB. Returns 0 or -errno. */
int data_file_sum(const char *path, uint64_t *ret) NODISCARD;
/* Allocates the blocks of LMDB's lock file. LMDB writes to a mapping of it, and on a full tmpfs
 * such a write is a SIGBUS. Returns 0 or -errno. */
int data_file_reserve_lock(const char *path) NODISCARD;
/* Renames the data file to path.bad and removes its lock file. Nobody may have it open. Returns 0,
 * even if there is no data file, or -errno. */
int data_file_set_aside(const char *path) NODISCARD;
/* Removes the data file and its lock file. Returns 0, even if there is none, or -errno. */
int data_file_remove(const char *path) NODISCARD;
