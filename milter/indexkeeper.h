/* SPDX-License-Identifier: ISC */
/* The daemon's index, open or not. Any thread records in it. Only the upkeep thread opens, tends
 * and closes it. Users borrow it, and it is closed when all have returned it. A message that cannot
 * be recorded is counted and goes on: it is in the queue. The log reports the first at once, then
 * the number at most once a minute. */
#pragma once

#include "base/json.h"
#include "index/index.h"

struct indexkeeper;

/* Opens nothing yet. directory must outlive it. NULL: no memory. */
struct indexkeeper *indexkeeper_new(const char *directory, int64_t map_size);
/* Tries to open it, and waits at most patience microseconds for a command's lock. After a failure
 * indexkeeper_tend tries again. */
void indexkeeper_start(struct indexkeeper *k, int64_t patience);
/* Only for the upkeep thread: opens the index if it is closed, gives it up if its files were
 * replaced, makes room. Holds the write lock for at most INDEX_SLICE. Returns the steady time of
 * the next call. */
int64_t indexkeeper_tend(struct indexkeeper *k);
/* Call it after the upkeep thread's end: closes the index, waiting at most timeout microseconds for
 * its users. False if it is still in use and stays open. */
bool indexkeeper_close(struct indexkeeper *k, int64_t timeout);
void indexkeeper_free(struct indexkeeper *k); /* takes NULL */

/* Records one message, in the calling thread. False: it is left out, counted and logged. */
bool indexkeeper_record(struct indexkeeper *k, const struct message *m);
/* Counts and logs a message that cannot be recorded. */
void indexkeeper_lose(struct indexkeeper *k, const char *id, const char *reason);

/* Borrows the index, which must be returned. NULL if it is not open. */
struct index *indexkeeper_borrow(struct indexkeeper *k);
void indexkeeper_give_back(struct indexkeeper *k);

/* Adds its part of the status, see pqpurge-milter(8). */
void indexkeeper_status(struct indexkeeper *k, struct json *out);
