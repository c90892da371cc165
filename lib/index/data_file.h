/* SPDX-License-Identifier: ISC */
/* The index's data file as a file. */
#ifndef PQPURGE_INDEX_DATA_FILE_H
#define PQPURGE_INDEX_DATA_FILE_H

#include "base/err.h"

/* Bytes free on fd's file system for this user; UINT64_MAX where it cannot be asked. */
uint64_t data_file_free(int fd);
/* Whether path still names what fd has open. Where it cannot be asked, true. */
bool data_file_is(const char *path, int fd);
/*
 * LMDB maps its lock file and writes to it, which on a full tmpfs is SIGBUS: so its pages are taken
 * first. 0 or -errno.
 */
int data_file_reserve_lock(const char *path) NODISCARD;
/* Renames a data file that nobody may have open from now on to path.bad, over the last one, and
 * removes its lock file. 0, also where there is none, or -errno. */
int data_file_set_aside(const char *path) NODISCARD;
/* Removes it, and its lock file. */
int data_file_remove(const char *path) NODISCARD;

#endif
