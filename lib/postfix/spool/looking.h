/* SPDX-License-Identifier: ISC */
/* Looks (spool.h) at many queue files in this process, which must be able to read the spool.
 * Private to lib/postfix. */
#pragma once

#include "postfix/spool/asking.h"
#include "postfix/spool/listing.h"
#include "postfix/spool/spool.h"

struct looking {
	const struct postfix *p;
	spool_get *get;             /* messages to prove; or NULL */
	const struct queue_id *ids; /* without get: names whose state is asked */
	void *arg;
	struct asking asking; /* of what is proven */
	size_t first, count;  /* which of all these */
	size_t departed;      /* how many of them, from first on, are probably gone */
	struct proof *proofs; /* the results, count of them; owned */
	/* Private. */
	bool asks; /* this look asks; the last one only proves */
	int queue_dir;
	struct queue_layout layout;
	size_t *left; /* positions, from first on, of those without a result */
	size_t left_count;
	unsigned hint;        /* the spot of the last message */
	struct listing names; /* replaces lstat for the spots that it knows */
};

int looking_run(struct looking *l, struct err *err) NODISCARD;
void looking_release(struct looking *l); /* frees what looking_run left; zeroes */
