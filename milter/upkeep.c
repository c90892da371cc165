/* SPDX-License-Identifier: ISC */
/* What the index needs each second. */
#include "milter/upkeep.h"

#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "index/coverage.h"
#include "index/entry.h"
#include "index/home.h"
#include "index/rulebook.h"

static void save_hits(void *to, const struct rule *r, uint64_t hits)
{
	rulebook_add_hits(to, r->subject, hits);
}

int upkeep_rules(struct store *store, void (*collect)(void *arg, upkeep_save_hits *save, void *to),
    void *arg, int64_t wall, size_t *ret_expired, struct err *err)
{
	struct txn txn;

	if (txn_begin(store, true, &txn) == 0 && collect)
		collect(arg, save_hits, &txn);
	*ret_expired = rulebook_expire(&txn, wall);
	return txn_commit(&txn, err); /* costs nothing where nothing changed */
}

static void note_reader(struct upkeep *u)
{
	pid_t reader = u->usage.oldest_reader;

	if (reader && reader != u->lagging)
		log_warning("process %ld reads an old state of the index and keeps its space from "
			    "being reused",
		    (long)reader);
	if (!reader && u->lagging)
		log_info("process %ld reads the index no more", (long)u->lagging);
	u->lagging = reader;
}

/*
 * The pages that may be in use: most of the map; on a disk that is nearly full, most of what the
 * file has already, so that new rows live in the room of the oldest.
 */
static uint64_t page_limit(const char *directory, const struct store_usage *usage)
{
	uint64_t pages = usage->map_pages;
	struct statvfs disk;

	if (usage->page_size && statvfs(directory, &disk) == 0 &&
	    (uint64_t)disk.f_bavail * disk.f_frsize < 2 * HOME_PREALLOCATE &&
	    usage->file_bytes / usage->page_size < pages)
		pages = usage->file_bytes / usage->page_size;
	return pages / 100 * UPKEEP_PRUNE_PERCENT;
}

int upkeep_space(struct upkeep *u, const char *directory, struct store *store, struct err *err)
{
	struct store_usage usage;
	int code = store_usage(store, &usage, err);

	if (code)
		return code;
	u->usage = usage;
	u->page_limit = page_limit(directory, &usage);
	note_reader(u);
	store_preallocate(store, HOME_PREALLOCATE);
	return 0;
}

bool upkeep_must_prune(const struct upkeep *u)
{
	return !u->lagging && u->usage.rows[STORE_MESSAGE] > 0 &&
	       u->usage.used_pages > u->page_limit;
}

int upkeep_prune(struct upkeep *u, const char *directory, struct store *store, struct err *err)
{
	struct txn txn;
	int64_t dropped_to = 0;

	txn_begin(store, true, &txn);
	size_t dropped = entry_prune(&txn, UPKEEP_PRUNE_ROWS, &dropped_to);
	if (dropped_to < u->pruned_to)
		dropped_to = u->pruned_to;
	/* from = 0 keeps it one row, which moves on: everything up to there is gone. */
	struct coverage_row row = {
	    .kind = COVERAGE_PRUNED, .to = dropped_to, .count = u->pruned + dropped};
	snprintf(row.reason, sizeof(row.reason), "the index is full; the oldest went first");
	coverage_put(&txn, &row);
	int code = txn_commit(&txn, err);
	if (code)
		return code;
	if (u->pruned == 0)
		log_info("index is nearly full; the oldest messages are dropped from it");
	u->pruned += dropped;
	u->pruned_to = dropped_to;
	code = upkeep_space(u, directory, store, err);
	if (dropped == 0)
		u->page_limit = UINT64_MAX; /* nothing to gain before the next look */
	return code;
}
