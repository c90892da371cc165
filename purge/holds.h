/* SPDX-License-Identifier: ISC */
/* What this command holds: the messages that its hold batches put into the hold queue and no
 * release batch took out. */
#ifndef PQPURGE_PURGE_HOLDS_H
#define PQPURGE_PURGE_HOLDS_H

#include "index/batch.h"
#include "order/order.h"

/* A message that a batch held or released, last word last. */
struct holds_entry {
	struct queue_id queue_id;
	int64_t arrival_time; /* with the ID the identity */
	uint64_t batch;
	bool held;
};

/* Zero-initialise. */
struct holds {
	struct holds_entry *list; /* by ID, arrival, batch */
	size_t count;
};

/* Reads all batches, in a child that is the index's owner. */
int holds_read(const char *directory, struct holds *ret, struct err *err) NODISCARD;
bool holds_contains(const struct holds *holds, const struct queue_id *id, int64_t arrival_time);
void holds_release(struct holds *holds);

/*
 * Takes what others hold out of a proven outcome (RESULT_EXCLUDED); returns how many these were.
 * The tally is not counted anew.
 */
uint64_t holds_exclude_foreign(const struct holds *holds, struct outcome *outcome);

#endif
