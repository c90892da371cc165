/* SPDX-License-Identifier: ISC */
/* Private to lib/postfix. Looks for many queue files, as spool.h describes, in this process, which
 * must be able to read the spool. */
#pragma once

#include "postfix/spool/asking.h"
#include "postfix/spool/listing.h"
#include "postfix/spool/spool.h"

struct looking {
	const struct postfix *p;
	spool_get *get;             /* the messages to prove; or NULL */
	const struct queue_id *ids; /* without get: the names whose state is asked */
	void *arg;
	struct asking asking;   /* of each proven file; without a selector nothing is asked */
	enum queue_name before; /* looked into before the other queues; 0: flow order */
	size_t first, count;    /* the range that this process looks for */
	size_t departed;        /* of them, from first on, are probably gone */
	struct proof *proofs;   /* count results; owned */
	int64_t since;          /* steady; no proof is older, except of those that departed */
	/* Private. */
	bool asks; /* this look also asks; the last one only proves */
	struct queue queue;
	struct queue_id *departed_ids; /* of the departed, which are looked for several times */
	size_t *left;                  /* positions, relative to first, without a result yet */
	size_t left_count;
	unsigned hint;        /* the spot of the last file found */
	struct listing names; /* saves the lstat in spots that it knows */
};

int looking_run(struct looking *l, struct err *err) NODISCARD;
void looking_release(struct looking *l); /* zeroes *l */
