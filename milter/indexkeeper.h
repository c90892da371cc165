/* SPDX-License-Identifier: ISC */
/* The daemon's index, open or not. Any thread records in it and borrows it; only the upkeep
 * thread opens, tends and closes it. A message that cannot be recorded is accepted, since it can
 * be read from the queue. The log reports the first loss at once, then their number at most once
 * a minute. */
#pragma once

#include "base/json.h"
#include "index/index.h"

struct indexkeeper;

/* Opens nothing yet. directory must outlive it. */
struct indexkeeper *indexkeeper_new(const char *directory, int64_t map_size);
/* Waits at most patience microseconds for a command's lock. After a failure indexkeeper_tend
 * tries again. */
void indexkeeper_start(struct indexkeeper *k, int64_t patience);
/* Only for the upkeep thread: opens the index if it is closed, gives it up if its files were
 * replaced, makes room. Holds the write lock for at most INDEX_SLICE. Returns the steady time of
 * the next call. */
int64_t indexkeeper_tend(struct indexkeeper *k);
/* After the upkeep thread's end: waits at most timeout microseconds for the index's users. False
 * if it is still in use and stays open. */
bool indexkeeper_close(struct indexkeeper *k, int64_t timeout);
void indexkeeper_free(struct indexkeeper *k);

/* Called by any thread for each message that was pending; false: it was left out. */
typedef void indexkeeper_told(void *arg, const struct message *m, bool recorded);
/* Call it before indexkeeper_start. Without it nothing can pend. */
void indexkeeper_tell(struct indexkeeper *k, indexkeeper_told *told, void *arg);
/* Puts it where kill -9 does not lose it (index_pend), without waiting. False: record it. Then call
 * indexkeeper_settle as soon as nobody waits for an answer about this message. */
bool indexkeeper_pend(
    struct indexkeeper *k, const struct message *m, const struct strlist *from_fields);
/* Records all that pends. Whoever asks the index sees that anyway. */
void indexkeeper_settle(struct indexkeeper *k);
/* False: the message is left out, counted and logged. */
bool indexkeeper_record(struct indexkeeper *k, const struct message *m);
/* Counts and logs a message that cannot be recorded. */
void indexkeeper_lose(struct indexkeeper *k, const char *id, const char *reason);

/* NULL if it is not open; otherwise give it back. */
struct index *indexkeeper_borrow(struct indexkeeper *k);
void indexkeeper_give_back(struct indexkeeper *k);

/* As in pqpurge-milter(8). */
void indexkeeper_status(struct indexkeeper *k, struct json *out);
