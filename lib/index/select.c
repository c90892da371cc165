/* SPDX-License-Identifier: ISC */
/*
 * Selection inside the index: the rows that keys name (sequences.h), or all rows, each confirmed on
 * its record by the selector. Waiting for memory is nearly all that this costs, so many rows are
 * shared out to threads, each with a read transaction of its own over a range of row numbers that
 * no other has. What comes out (select_child.c takes it in): u64 count, u64 damaged, u64 limits,
 * then for each message u64 sequence, u32 matched and the record as a blob.
 */
#include "index/select.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "index/entry.h"
#include "index/sequences.h"

#define PARTS_MAX 4
#define PART_ROWS 5000 /* a thread is worth starting for so many */

/* ---- one part */

struct part {
	const struct selector *selector;
	const uint64_t *list; /* count numbers of rows; NULL: all rows from first to last */
	size_t count;
	uint64_t first, last;

	struct store *store; /* for a part that begins a transaction of its own */
	struct bytes *out;
	uint64_t found, damaged;
	unsigned limits;
	int code;
	struct err err;
};

typedef int decoder(struct span stored, struct message *ret);

/*
 * first is record_decode, or record_view where most records will not match; what matches has passed
 * the strict one.
 */
static void consider(struct part *p, decoder *first, uint64_t sequence, struct span record)
{
	struct message message;
	unsigned matched;

	if (first(record, &message) != 0) {
		p->damaged++;
		return;
	}
	matched = selector_nominate(p->selector, &message, &p->limits);
	if (matched == 0)
		return;
	if (first != record_decode && record_decode(record, &message) != 0) {
		p->damaged++;
		return;
	}
	bytes_put_u64(p->out, sequence);
	bytes_put_u32(p->out, matched);
	bytes_put_blob(p->out, record.at, record.len);
	p->found++;
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

static void consider_range(struct txn *txn, struct part *p)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span key, record;
	uintptr_t page = 0;
	int at;

	for (at = cursor_seek(cursor, entry_key(p->first, buf), &key, &record);
	     at == 1 && entry_number(key) <= p->last; at = cursor_next(cursor, &key, &record)) {
		ask_for_page(record.at, &page);
		consider(p, record_view, entry_number(key), record);
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
static void consider_list(struct txn *txn, struct part *p)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key, record;
	uintptr_t page = 0;
	uint64_t last = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (move_to(cursor, p->list[i], last, &key, &record) != 1)
			break;
		last = entry_number(key);
		/* An author row may point nowhere: its record was damaged and is gone. */
		if (last != p->list[i])
			continue;
		ask_for_page(record.at, &page);
		consider(p, record_decode, last, record);
	}
	cursor_close(cursor);
}

static void consider_part(struct txn *txn, struct part *p)
{
	if (p->list)
		consider_list(txn, p);
	else
		consider_range(txn, p);
	if (txn->code != 0)
		p->code = err_set(&p->err, txn->code, "%s", txn->err.text);
	else if (p->out->failed)
		p->code = -ENOMEM;
}

/* ---- several */

static void *part_thread(void *arg)
{
	struct part *p = arg;
	struct txn txn;

	if (txn_begin(p->store, false, &txn) == 0)
		consider_part(&txn, p);
	else
		p->code = err_set(&p->err, txn.code, "%s", txn.err.text);
	txn_abort(&txn);
	return NULL;
}

static size_t processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

static size_t parts_for(uint64_t rows)
{
	size_t parts = processors();

	if (parts > PARTS_MAX)
		parts = PARTS_MAX;
	return rows / PART_ROWS < parts ? (size_t)(rows / PART_ROWS) : parts;
}

/* The nth of count shares of all that whole is. */
static struct part share_of(const struct part *whole, size_t n, size_t count)
{
	uint64_t rows = whole->last - whole->first + 1;
	struct part p = *whole;

	if (whole->list) {
		p.list = whole->list + whole->count * n / count;
		p.count = whole->count * (n + 1) / count - whole->count * n / count;
	} else {
		p.first = whole->first + rows / count * n;
		p.last = n + 1 == count ? whole->last : whole->first + rows / count * (n + 1) - 1;
	}
	return p;
}

static void join(struct part *whole, struct part *p)
{
	if (p->out != whole->out) {
		bytes_put(whole->out, p->out->at, p->out->len);
		bytes_release(p->out);
	}
	whole->found += p->found;
	whole->damaged += p->damaged;
	whole->limits += p->limits;
	if (p->code != 0 && whole->code == 0) {
		whole->code = p->code;
		whole->err = p->err;
	}
}

/* The first part is this thread's and uses its transaction. */
static void consider_parts(struct txn *txn, struct part *whole, size_t count)
{
	struct part parts[PARTS_MAX] = {*whole};
	struct bytes outs[PARTS_MAX] = {{0}};
	pthread_t threads[PARTS_MAX];
	bool started[PARTS_MAX] = {false};

	for (size_t n = 0; n < count; n++) {
		parts[n] = share_of(whole, n, count);
		if (n > 0) {
			parts[n].out = &outs[n];
			started[n] = pthread_create(&threads[n], NULL, part_thread, &parts[n]) == 0;
		}
	}
	consider_part(txn, &parts[0]);
	for (size_t n = 0; n < count; n++) {
		if (started[n])
			(void)pthread_join(threads[n], NULL);
		else if (n > 0)
			part_thread(&parts[n]);
		join(whole, &parts[n]);
	}
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

static void run(struct txn *txn, struct part *whole)
{
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
		whole->code = narrowed;
	else if (rows > 0 && parts_for(rows) > 1)
		consider_parts(txn, whole, parts_for(rows));
	else if (rows > 0)
		consider_part(txn, whole);
	if (txn->code != 0 && whole->code == 0)
		whole->code = err_set(&whole->err, txn->code, "%s", txn->err.text);
	sequences_release(&sequences);
}

int select_into(
    struct store *store, const struct selector *selector, struct bytes *out, struct err *err)
{
	struct part whole = {.selector = selector, .store = store, .out = out};
	size_t start = out->len;
	struct txn txn;

	bytes_put_u64(out, 0);
	bytes_put_u64(out, 0);
	bytes_put_u64(out, 0);
	if (txn_begin(store, false, &txn) == 0)
		run(&txn, &whole);
	else
		whole.code = err_set(&whole.err, txn.code, "%s", txn.err.text);
	txn_abort(&txn);
	if (whole.code != 0 && whole.err.text[0])
		return err_set(err, whole.code, "%s", whole.err.text);
	if (whole.code != 0 || out->failed)
		return err_sys(err, ENOMEM, "failed to select from the index");
	bytes_set_u64(out, start, whole.found);
	bytes_set_u64(out, start + 8, whole.damaged);
	bytes_set_u64(out, start + 16, whole.limits);
	return 0;
}
