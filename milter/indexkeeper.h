/* SPDX-License-Identifier: ISC */
/* The daemon's index, open or not. Any thread records in it; only the upkeep thread opens, tends
 * and closes it. Users borrow it; it is closed when all have given it back. A message that cannot
 * be recorded is counted and goes on: the queue has it. The log says so at once, then at most once
 * a minute with the number. */
#pragma once

#include "base/json.h"
#include "index/index.h"

struct indexkeeper;

/* Opens nothing yet. directory must outlive it. NULL on no memory. */
struct indexkeeper *indexkeeper_new(const char *directory, int64_t map_size);
/* Tries to open it, and waits at most patience microseconds if a command has its lock. On failure
 * indexkeeper_tend tries again. */
void indexkeeper_start(struct indexkeeper *k, int64_t patience);
/* Upkeep thread only: opens the index if it is not open, gives it up if its files were replaced,
 * makes room. Takes at most INDEX_SLICE of the write lock. Returns the steady time of the next
 * call. */
int64_t indexkeeper_tend(struct indexkeeper *k);
/* After the upkeep thread's end: closes the index, waiting at most timeout microseconds for users;
 * false if it is still in use and stays. */
bool indexkeeper_close(struct indexkeeper *k, int64_t timeout);
void indexkeeper_free(struct indexkeeper *k); /* NULL is fine */

/* Records one message, in the calling thread. False: left out, counted and logged. */
bool indexkeeper_record(struct indexkeeper *k, const struct message *m);
/* Counts and logs a message that cannot be recorded. */
void indexkeeper_lose(struct indexkeeper *k, const char *id, const char *reason);

/* The index, to be given back; NULL if it is not open. */
struct index *indexkeeper_borrow(struct indexkeeper *k);
void indexkeeper_give_back(struct indexkeeper *k);

/* Adds its part of status: see pqpurge-milter(8). */
void indexkeeper_status(struct indexkeeper *k, struct json *out);
