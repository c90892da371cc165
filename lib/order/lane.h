/* SPDX-License-Identifier: ISC */
/* Private to lib/order. Lanes: postsuper children that work side by side. Each lane repeats three
 * steps: a child looks at what the last postsuper did, and proves the next chunk; the account keeps
 * the chunk; postsuper acts on it. act.c decides when, lane.c does it. */
#pragma once

#include "order/order_private.h"

#define CHUNK_MAX 500

enum step { LANE_IDLE, LANE_LOOKING, LANE_KEEPING, LANE_WORKING };

struct lane {
	enum step step;
	struct spool_proving *look;
	struct postsuper_job job;
	struct queue_id ids[CHUNK_MAX]; /* of the job */
	size_t at[2 * CHUNK_MAX];       /* positions of the job's items, then of the next chunk's */
	size_t had, next;
	uint32_t part;                /* of the account */
	size_t kept;                  /* messages of this part; 0: none is kept yet */
	const struct postfix *layout; /* in which postsuper finds the files */
	unsigned queues;              /* in which the job's items were proven */
	int64_t seen;                 /* steady; when the step was last seen running */
	int64_t proven;               /* steady; no proof of the next chunk is older */
	unsigned again;               /* looks made again because of their age */
};

/* The instance with the hash settings of files on disk, if main.cf has others (queue_hashing). */
struct layout {
	struct layout *next;
	struct postfix postfix;
};

struct work {
	struct run *run;
	const struct order *order;
	struct outcome *outcome;
	struct postfix settling; /* for looks at what was done; they end when `hurry` is set */
	volatile sig_atomic_t hurry;
	int64_t stopped; /* steady; when the stop was first seen */
	struct layout *layouts;
	struct lane *lanes;
	unsigned lane_count;
	size_t chunk;
	struct chosen now, later; /* of this round, and of the next */
	bool repeats;             /* this round is not the first */
	size_t next;              /* position in now */
	uint8_t *tries;           /* for each item */
	bool advanced;            /* a postsuper achieved something in this round */
	size_t settled, total;    /* for progress */
	int code;                 /* the failure that ended everything */
	struct err err;
};

void lane_report(struct work *w, size_t settled); /* so many more are settled */
bool lane_may_begin(const struct work *w);

/* Begins a look at the lane's last chunk and at its next one, if there are any. */
void lane_begin_look(struct work *w, struct lane *lane);
/* Settles the last chunk, and goes on with the proven part of the next. */
void lane_end_look(struct work *w, struct lane *lane);
/* The account's answers, for all lanes. */
void lane_take_kept(struct work *w);
/* Ends the wait for the account after ACCOUNT_PATIENCE, or after ^C. now: steady clock. */
void lane_watch_keeping(struct work *w, struct lane *lane, int64_t now);
