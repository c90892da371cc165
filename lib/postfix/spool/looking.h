/* SPDX-License-Identifier: ISC */
/* Looks at many queue files in this process, which must be able to read the spool. Private to
 * lib/postfix; spool.h says what a look is. */
#ifndef PQPURGE_POSTFIX_LOOKING_H
#define PQPURGE_POSTFIX_LOOKING_H

#include "postfix/spool/listing.h"
#include "postfix/spool/spool.h"

struct looking {
	const struct postfix *p;
	spool_get *get; /* messages to prove, or NULL: ids are names of which the state is asked */
	void *arg;
	const struct queue_id *ids;
	size_t first, count;  /* which of all these */
	size_t departed;      /* so many of them, from first on, are expected to be gone */
	struct proof *proofs; /* the results, count of them; owned */
	/* Private. */
	int queue_dir;
	struct queue_layout layout;
	size_t *left; /* positions, from first on, of those that have no result yet */
	size_t left_count;
	unsigned hint; /* the spot where the last message lay: the next one is tried there first */
	struct listing names; /* asked instead of lstat, for the spots that it knows */
};

int looking_run(struct looking *l, struct err *err) NODISCARD;
void looking_release(struct looking *l); /* frees what looking_run left; zeroes */

#endif
