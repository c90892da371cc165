/* SPDX-License-Identifier: ISC */
/* Looks (spool.h) at many queue files in this process, which must be able to read the spool.
 * Private to lib/postfix. */
#pragma once

#include "postfix/spool/asking.h"
#include "postfix/spool/names.h"
#include "postfix/spool/spool.h"

/*
 * The names in queues, read once for many messages: an lstat for each message and queue costs more
 * than its proof, and all queues but deferred are mostly short. Hash directories are not read. Use
 * a listing for one chunk only: it must be as young as a proof.
 */
struct listing {
	unsigned queues;    /* bits of those that were read whole */
	struct names names; /* of all of these, perhaps with some of others */
};

/* Reads queues (bits), except unreadable ones and those of more than max names. Zero-initialise
 * *ret. */
void listing_read(struct listing *ret, int queue_dir, unsigned queues, size_t max);
void listing_release(struct listing *l);
bool listing_knows(const struct listing *l, const struct queue_spot *spot); /* it was read */
bool listing_has(const struct listing *l, const struct queue_id *id);

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
	int queue_dir;
	struct queue_layout layout;
	size_t *left; /* positions, from first on, of those without a result */
	size_t left_count;
	unsigned hint;        /* the spot of the last message */
	struct listing names; /* replaces lstat for the spots that it knows */
};

int looking_run(struct looking *l, struct err *err) NODISCARD;
void looking_release(struct looking *l); /* frees what looking_run left; zeroes */
