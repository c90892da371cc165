/* SPDX-License-Identifier: ISC */
/*
 * Lanes: postsuper children side by side, each with its steps. act.c decides when, lane.c what.
 * Private to lib/order.
 */
#ifndef PQPURGE_ORDER_LANE_H
#define PQPURGE_ORDER_LANE_H

#include "order/inside.h"

#define CHUNK_MAX 500

/*
 * A lane takes three steps in turn: a child looks at what the last postsuper did and proves what
 * the next is to act on; the account keeps it; postsuper acts on it.
 */
enum step { LANE_IDLE, LANE_LOOKING, LANE_KEEPING, LANE_WORKING };

struct lane {
	enum step step;
	struct spool_proving *look;
	struct postsuper_job job;
	struct queue_id ids[CHUNK_MAX]; /* what the job has */
	size_t at[2 * CHUNK_MAX]; /* positions of the items that the job has, then of the next */
	size_t had, next;         /* how many of each */
	uint32_t part;            /* what the account calls it */
	const struct postfix *layout; /* under which postsuper finds it */
	int64_t seen;                 /* steady; then the step was still under way */
};

/* The instance with hash settings that main.cf does not have, and under which files lie on disk. */
struct layout {
	struct layout *next;
	struct postfix postfix;
};

struct work {
	struct run *run;
	const struct order *order;
	struct outcome *outcome;
	struct postfix settling; /* for looks: they end when it is too late for an orderly end */
	volatile sig_atomic_t hurry;
	int64_t stopped; /* steady; when that was first seen */
	struct layout *layouts;
	struct lane *lanes;
	unsigned lane_count;
	size_t chunk;
	struct chosen now, later; /* this round's, and what needs another */
	size_t next;              /* of now */
	uint8_t *tries;           /* for each item */
	bool advanced;            /* a postsuper did something in this round */
	size_t settled, total;    /* for progress */
	int code;                 /* the failure that stopped it all */
	struct err err;
};

/* Progress: so many more are settled. */
void lane_report(struct work *w, size_t settled);
/* Whether something new may be begun. */
bool lane_may_begin(const struct work *w);

/* Looks at what the lane had, and proves the next chunk; nothing where there is neither. */
void lane_begin_look(struct work *w, struct lane *lane);
/* The look has ended: what it had is settled, and what is proven goes on. */
void lane_end_look(struct work *w, struct lane *lane);
/* Takes what the account has written, for all lanes. */
void lane_take_kept(struct work *w);
/* The account has its time, too; now is steady. */
void lane_watch_keeping(struct work *w, struct lane *lane, int64_t now);

#endif
