/* SPDX-License-Identifier: ISC */
/*
 * The index keeper: the daemon's index, open or not. Any thread records in it; the upkeep thread
 * opens it, looks after it, and closes it. It is closed only when nobody uses it: users take a
 * counted reference, and from the moment that it is given up there are no new ones.
 *
 * A message that cannot be recorded is counted and goes on: the queue has it. The log says so at
 * once, and then at most once a minute with the number.
 */
#ifndef PQPURGE_MILTER_INDEXKEEPER_H
#define PQPURGE_MILTER_INDEXKEEPER_H

#include "base/json.h"
#include "index/index.h"

struct indexkeeper;

/* Opens nothing yet. directory outlives it. NULL on no memory. */
struct indexkeeper *indexkeeper_new(const char *directory, int64_t map_size);
/*
 * The first attempt to open it. While another process has its lock (a command that works on it)
 * this waits, at most `patience` microseconds. What fails here is tried again by indexkeeper_tend.
 */
void indexkeeper_start(struct indexkeeper *k, int64_t patience);
/*
 * What is due: opens the index where it is not open, gives it up where its files were removed or
 * replaced, makes room. Short: at most INDEX_SLICE of the write lock. Returns the steady time at
 * which it wants to be called again. The upkeep thread alone.
 */
int64_t indexkeeper_tend(struct indexkeeper *k);
/*
 * Closes it once nobody uses it, waiting at most timeout microseconds; false where it is in use
 * still, and then stays as it is. After the upkeep thread's end; users then find it not open.
 */
bool indexkeeper_close(struct indexkeeper *k, int64_t timeout);
void indexkeeper_free(struct indexkeeper *k); /* after indexkeeper_close; NULL is fine */

/* Records one message, in the calling thread. False: left out, counted, and told in the log. */
bool indexkeeper_record(struct indexkeeper *k, const struct message *m);
/* Counts a message that cannot be recorded. id is for the log. */
void indexkeeper_lose(struct indexkeeper *k, const char *id, const char *reason);

/* The index for a while, or NULL where it is not open. Give back what is not NULL. */
struct index *indexkeeper_borrow(struct indexkeeper *k);
void indexkeeper_give_back(struct indexkeeper *k);

/* Adds what status says of it: see pqpurge-milter(8). */
void indexkeeper_status(struct indexkeeper *k, struct json *out);

#endif
