/* SPDX-License-Identifier: ISC */
/* The writer's thread: batches, and once a second whatever the index needs. */
#include "base/clock.h"
#include "base/log.h"
#include "index/rows/entry.h"
#include "milter/writer_private.h"

#define TICK USEC_PER_SEC
/* Where rules expire all the time, taking them out may cost one part of the thread's time in so
 * many. They have stopped matching anyway. */
#define EXPIRE_SHARE 100
/* Rows after which the space is looked at before the second is over; or, where the index is small
 * or they are large, the part of it that their records fill. */
#define LOOK_ROWS 1000
#define LOOK_PART 64

static void show_upkeep(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->shown = w->upkeep;
	w->rules_saved = command_rules_all_saved(&w->rules);
	pthread_mutex_unlock(&w->lock);
}

/* Writing into a removed directory succeeds; nobody may be told so. */
static int still_there(struct writer *w, struct err *err)
{
	return home_check(&w->home) == 0
		   ? 0
		   : err_set(err, ERR_STALE, "directory '%s' was removed or replaced",
			 w->home.directory);
}

/* Into the journal: 0, or why the store must take them. */
static int note_rows(struct writer *w, const struct ticket *rows)
{
	struct coverage_row gap;

	/* A gap is written with the rows that end it. */
	if (w->config.settings->commit_async || intake_gap(&w->intake, &gap))
		return ERR_FULL;
	for (const struct ticket *t = rows; t; t = t->next)
		journal_stage(w->home.journal, bytes_span(&t->record));
	return journal_commit(w->home.journal);
}

/* Into the store, behind what the journal holds. */
static int store_rows(struct writer *w, const struct ticket *rows, struct err *err)
{
	struct coverage_row gap;
	struct txn txn;

	bool in_gap = intake_gap(&w->intake, &gap);
	txn_begin(w->home.store, true, &txn);
	journal_replay(w->home.journal, &txn);
	for (const struct ticket *t = rows; t; t = t->next)
		entry_add(&txn, bytes_span(&t->record), NULL);
	if (in_gap)
		coverage_put(&txn, &gap);
	int code = txn_commit(&txn, err);
	if (!code) {
		w->upkeep.no_room = false;
		journal_rewind(w->home.journal);
		code = still_there(w, err);
	}
	if (!code && in_gap)
		intake_gap_written(&w->intake, &gap);
	return code;
}

void writer_commit(struct writer *w)
{
	struct ticket *rows = intake_take_rows(&w->intake);
	struct err err = {{0}};
	int code = ERR_NO_INDEX;

	if (!w->open)
		err_set(&err, code, "the index is not open");
	else if (note_rows(w, rows) == 0)
		code = still_there(w, &err);
	else
		code = store_rows(w, rows, &err);
	for (const struct ticket *t = rows; t && !code; t = t->next) {
		w->rows_since_look++;
		w->bytes_since_look += t->record.len;
	}
	intake_batch_over(&w->intake, rows, code, err.text);
	if (code && w->open)
		writer_store_failed(w, code, &err);
}

/* What no row of mail waits for: the journal's records, and the end of a gap when no mail comes. */
static void store_rest(struct writer *w)
{
	struct coverage_row gap;
	struct err err = {{0}};

	if (!intake_gap(&w->intake, &gap) && journal_count(w->home.journal) == 0)
		return;
	int code = store_rows(w, NULL, &err);
	if (code)
		writer_store_failed(w, code, &err);
}

void writer_tend_rules(struct writer *w)
{
	struct coverage_row failing;
	struct err err = {{0}};
	size_t expired = 0;
	int code = 0;
	int64_t begun = clock_steady();
	int64_t expiry = begun < w->next_expire ? INT64_MAX : w->rules.first_expiry;

	/* Hits are taken from their counters here; while commits fail they stay where they are. */
	if (!intake_gap(&w->intake, &failing))
		code = upkeep_rules(w->home.store, w->config.collect_hits, w->config.arg,
		    clock_wall(), expiry, &expired, &err);
	if (!code && (expired > 0 || !command_rules_all_saved(&w->rules)))
		code = writer_sync_rules(w, &err);
	if (expired > 0)
		w->next_expire = clock_steady() + EXPIRE_SHARE * (clock_steady() - begun);
	if (code)
		writer_store_failed(w, code, &err);
}

static void tend_space(struct writer *w)
{
	struct err err = {{0}};
	w->rows_since_look = w->bytes_since_look = 0;
	int code = upkeep_space(&w->upkeep, w->home.directory, w->home.store, &err);

	if (code)
		writer_store_failed(w, code, &err);
	show_upkeep(w);
}

/*
 * The run file's time says: up to here nothing was lost that is not written down. So it stands
 * still while a gap is known to memory alone, for a kill would take that with it; and it stays
 * behind rows that wait, which with commit = async are answered already.
 */
static void show_life(struct writer *w, int64_t now)
{
	struct coverage_row gap;

	if (now < w->next_touch || intake_gap(&w->intake, &gap))
		return;
	home_touch(&w->home, intake_safe_time(&w->intake, clock_wall()));
	w->next_touch = now + HOME_RUN_INTERVAL;
}

static void tick(struct writer *w, int64_t now)
{
	struct err gone;

	w->next_tick = now + TICK;
	if (w->open && still_there(w, &gone) != 0)
		writer_abandon_index(w, &gone);
	if (!w->open)
		writer_open_index(w);
	if (w->open)
		store_rest(w);
	if (w->open)
		journal_tend(w->home.journal);
	if (w->open)
		writer_tend_rules(w);
	if (w->open)
		tend_space(w);
	if (w->open)
		show_life(w, now);
}

static bool must_look(const struct writer *w)
{
	const struct upkeep *u = &w->upkeep;

	return w->rows_since_look >= LOOK_ROWS ||
	       w->bytes_since_look > u->usage.map_pages * u->usage.page_size / LOOK_PART;
}

/*
 * Drops the oldest: one slice, or, where more than that has just come in, twice as much as has, so
 * that it never falls behind.
 */
static void prune(struct writer *w, size_t came_in)
{
	for (size_t n = 0; n <= 2 * came_in / UPKEEP_PRUNE_ROWS && w->open; n++) {
		struct err err = {{0}};

		if (!upkeep_must_prune(&w->upkeep))
			break;
		int code = upkeep_prune(&w->upkeep, w->home.directory, w->home.store, &err);
		if (code == ERR_FULL && w->upkeep.slice > 1)
			continue; /* a smaller one may do */
		if (code) {
			w->upkeep.page_limit = UINT64_MAX; /* not again before the next look */
			writer_store_failed(w, code, &err);
		}
	}
}

/* One round: at most one batch, one request and some pruning, so that none keeps the others
 * waiting. */
static void work(struct writer *w, unsigned ready)
{
	if (ready & INTAKE_ROWS)
		writer_commit(w);
	if (ready & INTAKE_ERRANDS) {
		struct errand *e = intake_take_errand(&w->intake);

		if (e)
			writer_serve(w, e);
	}
	int64_t now = clock_steady();
	size_t came_in = w->rows_since_look;
	if (now >= w->next_tick)
		tick(w, now);
	else if (w->open && must_look(w))
		tend_space(w);
	if (w->open)
		prune(w, came_in);
}

void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct coverage_row gap;

	tick(w, clock_steady());
	for (;;) {
		bool hurry = w->open && upkeep_must_prune(&w->upkeep);
		unsigned ready = intake_wait(&w->intake, hurry ? 0 : w->next_tick);

		if (ready == INTAKE_STOP)
			break; /* and nothing else is left */
		work(w, ready);
	}
	if (w->open)
		writer_tend_rules(w); /* the last second's hits */
	if (w->open)
		store_rest(w);
	/* An END row would deny a gap that could not be written. */
	if (w->open && intake_gap(&w->intake, &gap))
		home_abandon(&w->home);
	else if (w->open)
		home_close(&w->home);
	intake_finished(&w->intake);
	return NULL;
}
