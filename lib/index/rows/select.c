/* SPDX-License-Identifier: ISC */
/*
 * Selection inside the index: the rows that keys name (sequences.h), or all rows, each confirmed on
 * its record by the selector. Waiting for memory is nearly all that this costs, so many rows are
 * cut into shares that threads take in turns, each with a read transaction of its own. What comes
 * out (select_child.c takes it in): u64 count, u64 damaged, u64 limits, then for each message u64
 * sequence, u32 matched and the record as a blob. Its checksum is not looked at here, for who takes
 * it in does; that of a record that does not match is.
 */
#include "index/rows/select.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "index/rows/entry.h"
#include "index/rows/sequences.h"

#define THREADS_MAX 4
#define SHARE_ROWS  5000 /* a thread is worth starting for so many; their records fit a cache */
#define SHARES_MAX  1024 /* of a sparse range; then shares are larger */

/* ---- one share */

struct found {
	uint64_t count, damaged;
	unsigned limits;
	int code;
	struct err err;
};

struct share {
	const struct selector *selector;
	const uint64_t *list; /* count numbers of rows; NULL: all rows from first to last */
	size_t count;
	uint64_t first, last;

	struct bytes *out;
	struct found found;
};

static void consider(struct share *s, uint64_t sequence, struct span record)
{
	struct message message;
	unsigned matched;

	if (record_peek(record, &message) != 0) {
		s->found.damaged++;
		return;
	}
	matched = selector_nominate(s->selector, &message, &s->found.limits);
	if (matched == 0) {
		s->found.damaged += !record_is_whole(record);
		return;
	}
	bytes_put_u64(s->out, sequence);
	bytes_put_u32(s->out, matched);
	bytes_put_blob(s->out, record.at, record.len);
	s->found.count++;
}

/*
 * A scan is as fast as memory is: a page is asked for whole when its first record is met, so that
 * the wait for the others is over when they are reached. A third of the time.
 */
#define PAGE_SIZE  4096
#define CACHE_LINE 64

static void ask_for_page(const void *record, uintptr_t *page)
{
	uintptr_t base = (uintptr_t)record & ~(uintptr_t)(PAGE_SIZE - 1);

	if (base == *page)
		return;
	*page = base;
	for (size_t i = 0; i < PAGE_SIZE; i += CACHE_LINE)
		__builtin_prefetch((const char *)base + i);
}

static void consider_range(struct txn *txn, struct share *s)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span key, record;
	uintptr_t page = 0;
	int at;

	for (at = cursor_seek(cursor, entry_key(s->first, buf), &key, &record);
	     at == 1 && entry_number(key) <= s->last; at = cursor_next(cursor, &key, &record)) {
		ask_for_page(record.at, &page);
		consider(s, entry_number(key), record);
	}
	cursor_close(cursor);
}

/* A flood's rows lie side by side: then a step costs less than a search. */
static int move_to(struct store_cursor *cursor, uint64_t sequence, uint64_t last, struct span *key,
    struct span *record)
{
	unsigned char buf[ENTRY_KEY_SIZE];

	if (sequence == last + 1 && last != 0 && cursor_next(cursor, key, record) == 1 &&
	    entry_number(*key) == sequence)
		return 1;
	return cursor_seek(cursor, entry_key(sequence, buf), key, record);
}

/* Seeking in ascending order with one cursor stays on the page most of the time. */
static void consider_list(struct txn *txn, struct share *s)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key, record;
	uintptr_t page = 0;
	uint64_t last = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (move_to(cursor, s->list[i], last, &key, &record) != 1)
			break;
		last = entry_number(key);
		/* An author row may point nowhere: its record was damaged and is gone. */
		if (last != s->list[i])
			continue;
		ask_for_page(record.at, &page);
		consider(s, last, record);
	}
	cursor_close(cursor);
}

static void consider_share(struct txn *txn, struct share *s)
{
	if (s->list)
		consider_list(txn, s);
	else
		consider_range(txn, s);
	if (txn->code != 0)
		s->found.code = err_set(&s->found.err, txn->code, "%s", txn->err.text);
	else if (s->out->failed)
		s->found.code = -ENOMEM;
}

/* ---- several, taken by threads in turns */

struct work {
	struct share whole;
	struct store *store;
	size_t shares;

	pthread_mutex_t lock; /* over what follows, and over what whole found */
	pthread_cond_t turn;
	size_t taken, joined; /* shares */
};

/* The nth of count shares of whole. */
static struct share share_of(const struct share *whole, size_t n, size_t count)
{
	uint64_t rows = whole->last - whole->first + 1;
	struct share s = {.selector = whole->selector};

	if (whole->list) {
		s.list = whole->list + whole->count * n / count;
		s.count = whole->count * (n + 1) / count - whole->count * n / count;
	} else {
		s.first = whole->first + rows / count * n;
		s.last = n + 1 == count ? whole->last : whole->first + rows / count * (n + 1) - 1;
	}
	return s;
}

/* The number of the next share to do; false: all are taken, or one failed. */
static bool take(struct work *w, size_t *ret)
{
	bool more;

	(void)pthread_mutex_lock(&w->lock);
	more = w->taken < w->shares && w->whole.found.code == 0;
	if (more)
		*ret = w->taken++;
	(void)pthread_mutex_unlock(&w->lock);
	return more;
}

static void found_add(struct found *to, const struct found *more)
{
	to->count += more->count;
	to->damaged += more->damaged;
	to->limits += more->limits;
	if (more->code != 0 && to->code == 0) {
		to->code = more->code;
		to->err = more->err;
	}
}

/* Waits until the shares before the nth have been put, for rows come out in order. */
static void put(struct work *w, size_t n, const struct share *s)
{
	(void)pthread_mutex_lock(&w->lock);
	while (w->joined < n)
		(void)pthread_cond_wait(&w->turn, &w->lock);
	bytes_put(w->whole.out, s->out->at, s->out->len);
	found_add(&w->whole.found, &s->found);
	w->joined++;
	(void)pthread_cond_broadcast(&w->turn);
	(void)pthread_mutex_unlock(&w->lock);
}

static void do_shares(struct txn *txn, struct work *w)
{
	struct bytes out = {0};
	size_t n;

	while (take(w, &n)) {
		struct share s = share_of(&w->whole, n, w->shares);

		bytes_clear(&out);
		s.out = &out;
		consider_share(txn, &s);
		put(w, n, &s);
	}
	bytes_release(&out);
}

/* Where it cannot begin, the others do its work. */
static void *share_thread(void *arg)
{
	struct work *w = arg;
	struct txn txn;

	if (txn_begin(w->store, false, &txn) == 0)
		do_shares(&txn, w);
	txn_abort(&txn);
	return NULL;
}

static size_t processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

static size_t threads_for(uint64_t rows)
{
	size_t threads = processors();

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	return rows / SHARE_ROWS < threads ? (size_t)(rows / SHARE_ROWS) : threads;
}

/* This thread is the first, and uses its transaction. */
static void share_out(struct txn *txn, struct work *w, uint64_t rows, size_t threads)
{
	pthread_t others[THREADS_MAX];
	size_t started = 0;

	w->shares = rows / SHARE_ROWS < SHARES_MAX ? (size_t)(rows / SHARE_ROWS) : SHARES_MAX;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->turn, NULL);
	while (
	    started + 1 < threads && pthread_create(&others[started], NULL, share_thread, w) == 0)
		started++;
	do_shares(txn, w);
	while (started > 0)
		(void)pthread_join(others[--started], NULL);
	(void)pthread_cond_destroy(&w->turn);
	(void)pthread_mutex_destroy(&w->lock);
}

/* The numbers of the first row and of the last; false: there is none, or the sticky code. */
static bool find_ends(struct txn *txn, uint64_t *ret_first, uint64_t *ret_last)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	const struct span none = {.at = "", .len = 0};
	struct span key, record;
	bool found = cursor_seek(cursor, none, &key, &record) == 1;

	if (found)
		*ret_first = entry_number(key);
	found = found && cursor_last(cursor, &key, &record) == 1;
	if (found)
		*ret_last = entry_number(key);
	cursor_close(cursor);
	return found;
}

static void run(struct txn *txn, struct work *w)
{
	struct share *whole = &w->whole;
	struct sequences sequences;
	int narrowed = sequences_find(txn, whole->selector, &sequences);
	uint64_t rows = 0;

	if (narrowed == 1) {
		whole->list = sequences.list;
		rows = whole->count = sequences.count;
	} else if (narrowed == 0 && find_ends(txn, &whole->first, &whole->last)) {
		rows = whole->last - whole->first + 1;
	}
	if (narrowed == -ENOMEM)
		whole->found.code = narrowed;
	else if (rows > 0 && threads_for(rows) > 1)
		share_out(txn, w, rows, threads_for(rows));
	else if (rows > 0)
		consider_share(txn, whole);
	if (txn->code != 0 && whole->found.code == 0)
		whole->found.code = err_set(&whole->found.err, txn->code, "%s", txn->err.text);
	sequences_release(&sequences);
}

int select_into(
    struct store *store, const struct selector *selector, struct bytes *out, struct err *err)
{
	struct work w = {.whole = {.selector = selector, .out = out}, .store = store};
	struct found *found = &w.whole.found;
	size_t start = out->len;
	struct txn txn;

	bytes_put_u64(out, 0);
	bytes_put_u64(out, 0);
	bytes_put_u64(out, 0);
	if (txn_begin(store, false, &txn) == 0)
		run(&txn, &w);
	else
		found->code = err_set(&found->err, txn.code, "%s", txn.err.text);
	txn_abort(&txn);
	if (found->code != 0 && found->err.text[0])
		return err_set(err, found->code, "%s", found->err.text);
	if (found->code != 0 || out->failed)
		return err_sys(err, ENOMEM, "failed to select from the index");
	bytes_set_u64(out, start, found->count);
	bytes_set_u64(out, start + 8, found->damaged);
	bytes_set_u64(out, start + 16, found->limits);
	return 0;
}
