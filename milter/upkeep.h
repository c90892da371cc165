/* SPDX-License-Identifier: ISC */
/*
 * Upkeep: what the index needs each second beside mail: hits saved, expired rules removed, room
 * kept. The writer's thread alone uses it. Every function returns 0 or the code of the transaction
 * that failed.
 */
#ifndef PQPURGE_MILTER_UPKEEP_H
#define PQPURGE_MILTER_UPKEEP_H

#include "base/clock.h"
#include "index/store.h"
#include "rules/rule.h"

/* The most of the oldest messages that one transaction drops: a few milliseconds. */
#define UPKEEP_PRUNE_ROWS    1000
#define UPKEEP_PRUNE_PERCENT 80 /* of the pages that there is room for */
/* Of these, what the account of past orders may fill before its oldest go in the messages' stead.
 */
#define UPKEEP_ACCOUNT_PART 8
/* A reader that is behind for so long lags; most end by themselves. */
#define UPKEEP_READER_TIME (2 * USEC_PER_SEC)

/* Zero-initialise. */
struct upkeep {
	struct store_usage usage; /* as last looked up */
	uint64_t page_limit;      /* pages that may be in use; fewer than are, where no_room */
	int64_t pruned_to;        /* latest mail_time dropped so far */
	uint64_t pruned;          /* messages dropped since start */
	bool told_account;        /* that parts of the account are dropped */
	size_t slice;         /* most rows of the next try, after one that failed; 0 = no limit */
	bool no_room;         /* the last rows that came found none */
	pid_t behind;         /* the reader of the oldest state at the last look; 0 = none */
	int64_t behind_since; /* steady; the first look in a row that found it so */
	pid_t lagging;        /* the same, where it has been so for long; 0 = none */
};

typedef void upkeep_save_hits(void *to, const struct rule *r, uint64_t hits);

/*
 * Saves hits (collect calls its second argument for each rule that has some) and, from first_expiry
 * on, drops expired rules; *ret_expired counts these. Costs what was hit and what expired, however
 * many rules there are.
 */
int upkeep_rules(struct store *store, void (*collect)(void *arg, upkeep_save_hits *save, void *to),
    void *arg, int64_t wall, int64_t first_expiry, size_t *ret_expired, struct err *err) NODISCARD;
/* Looks at the space in use, keeps some disk allocated ahead, and logs a reader that lags. */
int upkeep_space(
    struct upkeep *u, const char *directory, struct store *store, struct err *err) NODISCARD;
/*
 * Whether the oldest messages have to go now. Never while a reader lags: it would free nothing. One
 * of a moment does not count, or lists one after the other would keep the index full.
 */
bool upkeep_must_prune(const struct upkeep *u);
/* Drops one slice of the oldest (or of a large account a batch), with a coverage row that says so,
 * and looks at the space again. */
int upkeep_prune(
    struct upkeep *u, const char *directory, struct store *store, struct err *err) NODISCARD;

#endif
