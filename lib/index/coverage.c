/* SPDX-License-Identifier: ISC */
/*
 * Coverage rows. Key: time (u64 big-endian), kind (one byte); the row holds the true times. BEGIN
 * and END are filed after all that is there, so that a clock set back cannot make an old BEGIN look
 * like the last word. There is one PRUNED row, at time 0, which grows.
 */
#include "index/coverage.h"

#include <errno.h>

#include "index/synced.h"

#define ROW_VERSION   1
#define KEY_SIZE      9
#define COVERAGE_KEEP 10000     /* rows; a daemon restarted in a loop must not fill the index */
#define COVERAGE_MOST (1 << 20) /* no index has more, but one that is forged */

static struct span key_of(uint64_t time, enum coverage_kind kind, unsigned char buf[KEY_SIZE])
{
	be64_store(buf, time);
	buf[8] = (unsigned char)kind;
	return (struct span){.at = buf, .len = KEY_SIZE};
}

static int decode(struct span stored, struct coverage_row *ret)
{
	struct reader r = reader_of(stored.at, stored.len);
	uint8_t version = reader_u8(&r), kind = reader_u8(&r);

	memset(ret, 0, sizeof *ret);
	ret->from = reader_i64(&r);
	ret->to = reader_i64(&r);
	ret->count = reader_u64(&r);
	(void)snprintf(ret->reason, sizeof ret->reason, "%s", reader_text(&r));
	ret->kind = kind;
	if (!reader_done(&r) || version != ROW_VERSION || kind < COVERAGE_BEGIN ||
	    kind > COVERAGE_PRUNED)
		return ERR_DAMAGED;
	return 0;
}

static void put_at(struct txn *txn, uint64_t time, const struct coverage_row *row)
{
	unsigned char key[KEY_SIZE];
	struct bytes value = {0};

	bytes_put_u8(&value, ROW_VERSION);
	bytes_put_u8(&value, (uint8_t)row->kind);
	bytes_put_i64(&value, row->from);
	bytes_put_i64(&value, row->to);
	bytes_put_u64(&value, row->count);
	bytes_put_text(&value, row->reason);
	if (value.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	else
		txn_put(
		    txn, STORE_COVERAGE, key_of(time, row->kind, key), bytes_span(&value), false);
	bytes_release(&value);
}

static void put_pruned(struct txn *txn, const struct coverage_row *row)
{
	unsigned char key[KEY_SIZE];
	struct coverage_row grown = *row, old;
	struct span stored;

	if (txn_get(txn, STORE_COVERAGE, key_of(0, COVERAGE_PRUNED, key), &stored) == 1 &&
	    decode(stored, &old) == 0) {
		grown.count += old.count;
		grown.from = old.from < row->from ? old.from : row->from;
		grown.to = old.to > row->to ? old.to : row->to;
	}
	put_at(txn, 0, &grown);
	synced_forget(txn);
}

void coverage_put(struct txn *txn, const struct coverage_row *row)
{
	if (row->kind == COVERAGE_PRUNED)
		put_pruned(txn, row);
	else
		put_at(txn, row->from > 0 ? (uint64_t)row->from : 1, row);
}

/* What the rows say together. */
struct summary {
	bool begun;        /* there is a BEGIN or END */
	bool ended;        /* the last of these is an END */
	int64_t since;     /* the last of these */
	int64_t last_time; /* the latest time in any row */
	uint64_t last_key; /* the time in the last key */
	size_t count;
};

static void summarise(struct txn *txn, struct summary *ret)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_COVERAGE);
	struct span key, value;
	struct coverage_row row;

	memset(ret, 0, sizeof *ret);
	for (int at = cursor_seek(cursor, (struct span){.at = "", .len = 0}, &key, &value); at == 1;
	     at = cursor_next(cursor, &key, &value)) {
		ret->count++;
		if (key.len == KEY_SIZE)
			ret->last_key = be64_load(key.at);
		if (decode(value, &row) != 0)
			continue;
		if (row.kind == COVERAGE_BEGIN || row.kind == COVERAGE_END) {
			ret->begun = true;
			ret->ended = row.kind == COVERAGE_END;
			ret->since = row.from;
		}
		if (row.to > ret->last_time && row.kind != COVERAGE_PRUNED)
			ret->last_time = row.to;
	}
	cursor_close(cursor);
}

/* The oldest rows go; the index then claims to begin where the first row that is left begins. */
static void drop_oldest(struct txn *txn, size_t excess)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_COVERAGE);
	unsigned char buf[KEY_SIZE], after_pruned[KEY_SIZE];
	struct span start = key_of(1, 0, after_pruned), key, value;

	while (
	    excess-- > 0 && cursor_seek(cursor, start, &key, &value) == 1 && key.len == KEY_SIZE) {
		memcpy(buf, key.at, KEY_SIZE);
		(void)txn_delete(txn, STORE_COVERAGE, (struct span){.at = buf, .len = KEY_SIZE});
	}
	cursor_close(cursor);
}

static uint64_t key_after(const struct summary *s, int64_t now)
{
	return now > 0 && (uint64_t)now > s->last_key ? (uint64_t)now : s->last_key + 1;
}

static void put_gap(struct txn *txn, const struct summary *s, int64_t last_sign, int64_t now)
{
	struct coverage_row gap = {.kind = COVERAGE_GAP, .to = now};

	if (s->ended) {
		gap.from = s->since;
		(void)snprintf(gap.reason, sizeof gap.reason, "the daemon was not running");
	} else {
		/* A run file older than the last BEGIN is another daemon's. */
		gap.from = last_sign != 0 ? last_sign : s->last_time;
		if (gap.from < s->since)
			gap.from = s->since;
		(void)snprintf(gap.reason, sizeof gap.reason, "the daemon did not stop in order");
	}
	if (gap.from > now) /* the clock was set back */
		gap.from = now;
	coverage_put(txn, &gap);
}

void coverage_begin(struct txn *txn, int64_t last_sign, int64_t now)
{
	struct coverage_row row = {.kind = COVERAGE_BEGIN, .from = now, .to = now};
	struct summary s;

	summarise(txn, &s);
	if (s.begun)
		put_gap(txn, &s, last_sign, now);
	put_at(txn, key_after(&s, now), &row);
	if (s.count > COVERAGE_KEEP)
		drop_oldest(txn, s.count - COVERAGE_KEEP);
}

void coverage_end(struct txn *txn, int64_t now)
{
	struct coverage_row row = {.kind = COVERAGE_END, .from = now, .to = now};
	struct summary s;

	summarise(txn, &s);
	put_at(txn, key_after(&s, now), &row);
}

int coverage_read(struct txn *txn, struct coverage_row **ret, size_t *ret_count)
{
	struct store_cursor *cursor;
	struct coverage_row *rows;
	struct span key, value;
	uint64_t cap;
	size_t count = 0;

	if (txn_count(txn, STORE_COVERAGE, &cap) != 0)
		return txn->code;
	if (cap > COVERAGE_MOST)
		return txn_fail(txn, ERR_DAMAGED, "the index is damaged (coverage)");
	rows = calloc((size_t)cap + 1, sizeof *rows);
	if (!rows)
		return -ENOMEM;
	cursor = cursor_open(txn, STORE_COVERAGE);
	for (int at = cursor_seek(cursor, (struct span){.at = "", .len = 0}, &key, &value);
	     at == 1 && count < cap; at = cursor_next(cursor, &key, &value))
		if (decode(value, &rows[count]) == 0)
			count++;
	cursor_close(cursor);
	if (txn->code != 0) {
		free(rows);
		return txn->code;
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}
