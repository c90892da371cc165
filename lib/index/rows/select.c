/* SPDX-License-Identifier: ISC */
/* Nearly all of the cost is waiting for memory, so threads take turns at shares of the rows, each
 * with its own read transaction. The caller verifies the checksums of matches. */
#include "index/rows/select.h"

#include <endian.h>
#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "index/index.h"
#include "index/rows/entry.h"
#include "index/rows/sequences.h"

#define THREADS_MAX 4
/* Rows that pay for a thread, and whose records fit a cache. */
#define SHARE_ROWS 5000
#define SHARES_MAX (UINT64_C(1) << 16) /* with more rows, shares are larger */

void selection_begin(struct selection *s, struct bytes *out)
{
	*s = (struct selection){.out = out, .start = out->len};
	for (int i = 0; i < 4; i++)
		bytes_put_u64(out, 0);
}

struct found_head {
	uint64_t sequence;
	uint32_t matched, len;
};

void selection_add(struct selection *s, uint64_t sequence, unsigned matched, struct span record)
{
	struct found_head head = {
	    htole64(sequence), htole32(matched), htole32((uint32_t)record.len)};

	bytes_put(s->out, &head, sizeof head);
	bytes_put(s->out, record.at, record.len);
	s->count++;
}

void selection_end(struct selection *s)
{
	bytes_set_u64(s->out, s->start, s->count);
	bytes_set_u64(s->out, s->start + 8, s->damaged);
	bytes_set_u64(s->out, s->start + 16, s->notes.limits);
	bytes_set_u64(s->out, s->start + 24, s->notes.unjoined);
}

struct share {
	const struct selector *selector;
	const uint64_t *list; /* count sequences; NULL: all rows from first to last */
	size_t count;
	uint64_t first, last;

	struct selection found;
	int code;
	struct err err;
};

static void consider(struct share *s, uint64_t sequence, struct span record)
{
	struct message message;
	unsigned matched;

	if (record_peek(record, &message) != 0) {
		s->found.damaged++;
		return;
	}
	matched = selector_nominate_row(s->selector, &message, &s->found.notes);
	if (matched != 0)
		selection_add(&s->found, sequence, matched, record);
	else
		s->found.damaged += !record_is_whole(record);
}

/* Prefetching a page when its first record is met saves a third of the time. */
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
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span key, record;
	uintptr_t page = 0;
	int at;

	for (at = cursor_seek(cursor, entry_key(s->first, buf), &key, &record);
	     at == 1 && entry_number(key) <= s->last; at = cursor_next(cursor, &key, &record)) {
		ask_for_page(record.at, &page);
		consider(s, entry_number(key), record);
	}
}

/* A flood's rows are adjacent, and a step costs less than a search. */
static int move_to(struct store_cursor *cursor, uint64_t sequence, uint64_t last, struct span *key,
    struct span *record)
{
	unsigned char buf[ENTRY_KEY_SIZE];

	if (sequence == last + 1 && last != 0 && cursor_next(cursor, key, record) == 1 &&
	    entry_number(*key) == sequence)
		return 1;
	return cursor_seek(cursor, entry_key(sequence, buf), key, record);
}

/* A record is considered after the search for the next one, because its page is on its way. */
static void consider_list(struct txn *txn, struct share *s)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key, record, before = {0};
	uintptr_t page = 0;
	uint64_t last = 0, before_sequence = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (move_to(cursor, s->list[i], last, &key, &record) != 1)
			break;
		last = entry_number(key);
		/* The record was damaged and is gone. */
		if (last != s->list[i])
			continue;
		ask_for_page(record.at, &page);
		if (before.at)
			consider(s, before_sequence, before);
		before = record;
		before_sequence = last;
	}
	if (before.at)
		consider(s, before_sequence, before);
}

static void consider_share(struct txn *txn, struct share *s)
{
	if (s->list)
		consider_list(txn, s);
	else
		consider_range(txn, s);
	if (txn->code != 0)
		s->code = err_set(&s->err, txn->code, "%s", txn->err.text);
	else if (s->found.out->failed)
		s->code = err_sys(&s->err, ENOMEM, "failed to select from the index");
}

struct work {
	struct share whole;
	struct store *store;
	size_t shares;
	int64_t deadline;

	pthread_mutex_t lock; /* guards the members below, and whole.found */
	pthread_cond_t turn;
	size_t taken, joined; /* shares that threads took, and that were joined to the result */
};

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

/* False: all shares are taken, or one failed. */
static bool take(struct work *w, size_t *ret)
{
	bool more;

	(void)pthread_mutex_lock(&w->lock);
	if (clock_steady() > w->deadline && w->taken < w->shares && w->whole.code == 0)
		w->whole.code =
		    err_set(&w->whole.err, ERR_TIMEOUT, "a selection from the index took too long");
	more = w->taken < w->shares && w->whole.code == 0;
	if (more)
		*ret = w->taken++;
	(void)pthread_mutex_unlock(&w->lock);
	return more;
}

static void add_found(struct share *to, const struct share *more)
{
	struct selection *all = &to->found;

	bytes_ready(all->out, more->found.out->len);
	bytes_put(all->out, more->found.out->at, more->found.out->len);
	all->count += more->found.count;
	all->damaged += more->found.damaged;
	all->notes.limits += more->found.notes.limits;
	all->notes.unjoined += more->found.notes.unjoined;
	if (more->code != 0 && to->code == 0) {
		to->code = more->code;
		to->err = more->err;
	}
}

/* Waits for the earlier shares, so that rows come out in order. */
static void put(struct work *w, size_t n, const struct share *s)
{
	(void)pthread_mutex_lock(&w->lock);
	while (w->joined < n)
		(void)pthread_cond_wait(&w->turn, &w->lock);
	add_found(&w->whole, s);
	w->joined++;
	(void)pthread_cond_broadcast(&w->turn);
	(void)pthread_mutex_unlock(&w->lock);
}

static void do_shares(struct txn *txn, struct work *w)
{
	int64_t began = clock_steady();
	AUTO(bytes_release) struct bytes out = {0};
	size_t n;

	while (take(w, &n)) {
		struct share s = share_of(&w->whole, n, w->shares);

		if (clock_steady() - began > INDEX_SNAPSHOT) {
			(void)txn_renew(txn);
			began = clock_steady();
		}
		bytes_clear(&out);
		s.found.out = &out;
		consider_share(txn, &s);
		put(w, n, &s);
	}
}

/* If this thread cannot begin a transaction, the others do its work. */
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

static size_t threads_for(size_t shares)
{
	size_t threads = processors();

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	return shares < threads ? shares : threads;
}

static void share_out(struct txn *txn, struct work *w, uint64_t rows)
{
	pthread_t others[THREADS_MAX];
	size_t started = 0, threads;

	w->shares = 1 + (size_t)(rows / SHARE_ROWS < SHARES_MAX ? rows / SHARE_ROWS : SHARES_MAX);
	threads = threads_for(w->shares);
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

static bool find_ends(struct txn *txn, uint64_t *ret_first, uint64_t *ret_last)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	const struct span none = {.at = "", .len = 0};
	struct span key, record;
	bool found = cursor_seek(cursor, none, &key, &record) == 1;

	if (found)
		*ret_first = entry_number(key);
	found = found && cursor_last(cursor, &key, &record) == 1;
	if (found)
		*ret_last = entry_number(key);
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
		whole->code = err_sys(&whole->err, ENOMEM, "failed to select from the index");
	else if (rows > 0)
		share_out(txn, w, rows);
	if (txn->code != 0 && whole->code == 0)
		whole->code = err_set(&whole->err, txn->code, "%s", txn->err.text);
	sequences_release(&sequences);
}

int select_into(struct store *store, const struct selector *selector, int64_t deadline,
    struct bytes *out, struct err *err)
{
	struct work w = {.whole = {.selector = selector}, .store = store, .deadline = deadline};
	struct share *whole = &w.whole;
	struct txn txn;

	selection_begin(&whole->found, out);
	if (txn_begin(store, false, &txn) == 0)
		run(&txn, &w);
	else
		whole->code = err_set(&whole->err, txn.code, "%s", txn.err.text);
	txn_abort(&txn);
	if (whole->code != 0)
		return err_set(err, whole->code, "%s", whole->err.text);
	selection_end(&whole->found);
	return out->failed ? err_sys(err, ENOMEM, "failed to select from the index") : 0;
}
