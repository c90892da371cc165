/* SPDX-License-Identifier: ISC */
/* The index's data file as a file: whether it is there, still the same, large enough, and has space
 * kept for it. */
#ifndef PQPURGE_INDEX_DATA_FILE_H
#define PQPURGE_INDEX_DATA_FILE_H

#include "base/base.h"

#define DATA_FILE "data.mdb"
#define LOCK_FILE "lock.mdb"

/* "directory/name", malloc'd; NULL on no memory. */
char *data_file_path(const char *directory, const char *name);

/* A data file with anything in it. What cannot be looked at counts as there, so that opening it
 * says why. */
bool data_file_exists(const char *directory);

/* Whether the file open on fd is still directory's file of that name: 0, or ERR_STALE. */
int data_file_check(int fd, const char *directory, const char *name) NODISCARD;

/*
 * Keeps bytes allocated past the end of the file, yet not past limit. Takes half as much again when
 * it must allocate, so that most calls do nothing. 0 or -errno; a file system that cannot do it is
 * no failure.
 */
int data_file_preallocate(int fd, uint64_t bytes, uint64_t limit);

/*
 * Makes a file that was cut short as long as its last page says (within limit): touching a missing
 * page kills the process by SIGBUS, touching a hole is an error. 0 or errno.
 */
int data_file_reach(int fd, uint64_t last_page, uint64_t limit);

/*
 * The mark that LMDB gave up in the middle of a write, because it met something that cannot be: who
 * opens the index next must not try again. Best effort.
 */
void data_file_mark(const char *directory);
bool data_file_is_marked(const char *directory);
void data_file_unmark(const char *directory);

/* Whether the file system of fd has no space left for this user. */
bool data_file_disk_full(int fd);

#endif
