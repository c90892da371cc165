/* SPDX-License-Identifier: ISC */
/* What the index needs each second. */
#include "milter/upkeep.h"

#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "index/batch.h"
#include "index/coverage.h"
#include "index/home.h"
#include "index/rows/entry.h"
#include "index/rulebook.h"

static void save_hits(void *to, const struct rule *r, uint64_t hits)
{
	if (r->line)
		rulebook_add_file_hits(to, r->subject, hits);
	else
		rulebook_add_hits(to, r->subject, hits);
}

int upkeep_rules(struct store *store, void (*collect)(void *arg, upkeep_save_hits *save, void *to),
    void *arg, int64_t wall, int64_t first_expiry, size_t *ret_expired, struct err *err)
{
	struct txn txn;

	if (txn_begin(store, true, &txn) == 0 && collect)
		collect(arg, save_hits, &txn);
	*ret_expired = wall >= first_expiry ? rulebook_expire(&txn, wall) : 0;
	return txn_commit(&txn, err); /* costs nothing where nothing changed */
}

static void note_reader(struct upkeep *u)
{
	int64_t now = clock_steady();
	pid_t reader = u->usage.oldest_reader;

	if (reader != u->behind)
		u->behind_since = now;
	u->behind = reader;
	if (now - u->behind_since < UPKEEP_READER_TIME)
		reader = 0;
	if (reader && reader != u->lagging)
		log_warning("process %ld reads an old state of the index and keeps its space from "
			    "being reused",
		    (long)reader);
	if (!reader && u->lagging)
		log_info("process %ld reads the index no more", (long)u->lagging);
	u->lagging = reader;
}

/*
 * The pages that may be in use: most of the map, or of what the file has and the disk can still
 * give it, if that is less. Then new rows live in the room of the oldest. What is compressed takes
 * less of the disk than it has pages.
 */
static uint64_t page_limit(const char *directory, const struct store_usage *usage)
{
	uint64_t pages = usage->map_pages, has, room;
	struct statvfs disk;

	if (usage->page_size && statvfs(directory, &disk) == 0) {
		has = usage->used_pages * usage->page_size;
		if (has < usage->file_bytes)
			has = usage->file_bytes;
		room = (has + (uint64_t)disk.f_bavail * disk.f_frsize) / usage->page_size;
		pages = room < pages ? room : pages;
	}
	return pages * UPKEEP_PRUNE_PERCENT / 100;
}

int upkeep_space(struct upkeep *u, const char *directory, struct store *store, struct err *err)
{
	struct store_usage usage;
	int code = store_usage(store, &usage, err);

	if (code)
		return code;
	u->usage = usage;
	u->page_limit = page_limit(directory, &usage);
	/* What is free lies in pieces, and a large record wants neighbouring pages. */
	if (u->no_room && u->page_limit >= usage.used_pages)
		u->page_limit = usage.used_pages - 1;
	note_reader(u);
	store_preallocate(store, HOME_PREALLOCATE);
	return 0;
}

bool upkeep_must_prune(const struct upkeep *u)
{
	return !u->lagging && u->usage.rows[STORE_MESSAGE] > 0 &&
	       u->usage.used_pages > u->page_limit;
}

/*
 * How many rows make room enough, and a little more: rows are small or large, and what goes in vain
 * is lost. Where such a transaction has failed, for it needs free pages itself, it is made smaller.
 */
static size_t slice_of(const struct upkeep *u)
{
	uint64_t rows = u->usage.rows[STORE_MESSAGE], used = u->usage.used_pages;
	uint64_t wanted = rows * (used - u->page_limit) / used + rows / 100 + 1;
	size_t most = u->slice ? u->slice : UPKEEP_PRUNE_ROWS;

	return wanted < most ? (size_t)wanted : most;
}

/* One batch of the account, where that has outgrown its part: 1, 0 (it has not), or a negative
 * code. */
static int prune_account(struct upkeep *u, struct store *store, struct err *err)
{
	struct txn txn;
	int dropped, code;

	if (u->usage.pages[STORE_BATCH] <= u->page_limit / UPKEEP_ACCOUNT_PART)
		return 0;
	txn_begin(store, true, &txn);
	dropped = batch_drop_oldest(&txn);
	code = txn_commit(&txn, err);
	if (code == 0 && dropped == 1 && !u->told_account) {
		u->told_account = true;
		log_info("index is nearly full; the oldest entries of the log are dropped from it");
	}
	return code ? code : dropped;
}

int upkeep_prune(struct upkeep *u, const char *directory, struct store *store, struct err *err)
{
	struct txn txn;
	int64_t dropped_to = 0;
	size_t slice = slice_of(u);
	int account = prune_account(u, store, err);

	if (account != 0)
		return account < 0 ? account : upkeep_space(u, directory, store, err);

	txn_begin(store, true, &txn);
	size_t dropped = entry_prune(&txn, slice, &dropped_to);
	if (dropped_to < u->pruned_to)
		dropped_to = u->pruned_to;
	/* It is one row, which grows: everything up to there is gone. */
	struct coverage_row row = {.kind = COVERAGE_PRUNED, .to = dropped_to, .count = dropped};
	snprintf(row.reason, sizeof(row.reason), "the index is full; the oldest went first");
	coverage_put(&txn, &row);
	int code = txn_commit(&txn, err);
	if (code) {
		u->slice = slice / 2 > 0 ? slice / 2 : 1;
		return code;
	}
	if (u->pruned == 0)
		log_info("index is nearly full; the oldest messages are dropped from it");
	u->slice = 2 * u->slice < UPKEEP_PRUNE_ROWS ? 2 * u->slice : 0;
	u->no_room = false;
	u->pruned += dropped;
	u->pruned_to = dropped_to;
	code = upkeep_space(u, directory, store, err);
	if (dropped == 0)
		u->page_limit = UINT64_MAX; /* nothing to gain before the next look */
	return code;
}
