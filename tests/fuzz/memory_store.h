/* SPDX-License-Identifier: ISC */
/* A store in memory: a sorted array, quick to make and to throw away. Nothing is undone by an
 * abort. */
#ifndef PQPURGE_TESTS_MEMORY_STORE_H
#define PQPURGE_TESTS_MEMORY_STORE_H

#include <errno.h>

#include "index/store.h"
#include "tests/fuzz/fuzz.h"

struct memory_row {
	enum store_table table;
	unsigned char *key, *value;
	size_t key_len, value_len;
};
struct memory_store {
	struct store base;
	struct memory_row *rows;
	size_t count, cap;
};
struct memory_cursor {
	struct store_cursor base;
	enum store_table table;
	size_t at; /* the row it stands on */
};

static inline int memory_compare(
    const struct memory_row *row, enum store_table table, struct span key)
{
	size_t shorter = row->key_len < key.len ? row->key_len : key.len;
	int order;

	if (row->table != table)
		return row->table < table ? -1 : 1;
	order = shorter ? memcmp(row->key, key.at, shorter) : 0;
	return order ? order : (row->key_len > key.len) - (row->key_len < key.len);
}

/* The first row that is not before key. */
static inline size_t memory_find(
    const struct memory_store *s, enum store_table table, struct span key)
{
	size_t at = 0;

	while (at < s->count && memory_compare(&s->rows[at], table, key) < 0)
		at++;
	return at;
}

static inline bool memory_is_at(
    const struct memory_store *s, size_t at, enum store_table table, struct span key)
{
	return at < s->count && memory_compare(&s->rows[at], table, key) == 0;
}

static inline unsigned char *memory_copy(struct span span)
{
	unsigned char *copy = malloc(span.len ? span.len : 1);

	fuzz_require(copy != NULL);
	if (span.len)
		memcpy(copy, span.at, span.len);
	return copy;
}

static inline int memory_begin(struct store *store, struct txn *txn)
{
	txn->handle = store;
	return 0;
}

static inline int memory_commit(struct txn *txn)
{
	(void)txn;
	return 0;
}

static inline void memory_abort(struct txn *txn)
{
	(void)txn;
}

static inline int memory_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append)
{
	struct memory_store *s = txn->handle;
	size_t at = memory_find(s, table, key);

	fuzz_require(key.len > 0 && key.len <= 511);
	(void)append;
	if (memory_is_at(s, at, table, key)) {
		free(s->rows[at].value);
		s->rows[at].value = memory_copy(value);
		s->rows[at].value_len = value.len;
		return 0;
	}
	if (s->count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->rows = realloc(s->rows, s->cap * sizeof(*s->rows));
		fuzz_require(s->rows != NULL);
	}
	memmove(&s->rows[at + 1], &s->rows[at], (s->count - at) * sizeof(*s->rows));
	s->rows[at] = (struct memory_row){.table = table,
	    .key = memory_copy(key),
	    .value = memory_copy(value),
	    .key_len = key.len,
	    .value_len = value.len};
	s->count++;
	return 0;
}

static inline int memory_get(
    struct txn *txn, enum store_table table, struct span key, struct span *ret)
{
	const struct memory_store *s = txn->handle;
	size_t at = memory_find(s, table, key);

	if (!memory_is_at(s, at, table, key))
		return 0;
	*ret = (struct span){.at = s->rows[at].value, .len = s->rows[at].value_len};
	return 1;
}

static inline int memory_delete(struct txn *txn, enum store_table table, struct span key)
{
	struct memory_store *s = txn->handle;
	size_t at = memory_find(s, table, key);

	if (!memory_is_at(s, at, table, key))
		return 0;
	free(s->rows[at].key);
	free(s->rows[at].value);
	memmove(&s->rows[at], &s->rows[at + 1], (s->count - at - 1) * sizeof(*s->rows));
	s->count--;
	return 1;
}

static inline int memory_count(struct txn *txn, enum store_table table, uint64_t *ret)
{
	const struct memory_store *s = txn->handle;

	*ret = 0;
	for (size_t i = 0; i < s->count; i++)
		*ret += s->rows[i].table == table;
	return 0;
}

static inline struct store_cursor *memory_cursor_open(
    struct txn *txn, enum store_table table, int *ret_code)
{
	struct memory_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)ret_code;
	fuzz_require(cursor != NULL);
	cursor->base.txn = txn;
	cursor->table = table;
	return &cursor->base;
}

static inline int memory_cursor_move(
    struct store_cursor *base, int how, struct span *key, struct span *value)
{
	struct memory_cursor *cursor = (struct memory_cursor *)base;
	const struct memory_store *s = base->txn->handle;

	if (how == CURSOR_SEEK) {
		cursor->at = memory_find(s, cursor->table, *key);
	} else if (how == CURSOR_NEXT) {
		cursor->at++;
	} else if (how == CURSOR_PREV) {
		if (cursor->at == 0)
			return 0;
		cursor->at--;
	} else {
		cursor->at = memory_find(s, cursor->table + 1, (struct span){.at = "", .len = 0});
		if (cursor->at == 0)
			return 0;
		cursor->at--;
	}
	if (cursor->at >= s->count || s->rows[cursor->at].table != cursor->table)
		return 0;
	*key = (struct span){.at = s->rows[cursor->at].key, .len = s->rows[cursor->at].key_len};
	*value =
	    (struct span){.at = s->rows[cursor->at].value, .len = s->rows[cursor->at].value_len};
	return 1;
}

static inline void memory_cursor_close(struct store_cursor *cursor)
{
	free(cursor);
}

static const struct store_driver memory_driver = {
    .begin = memory_begin,
    .commit = memory_commit,
    .abort = memory_abort,
    .put = memory_put,
    .get = memory_get,
    .del = memory_delete,
    .count = memory_count,
    .cursor_open = memory_cursor_open,
    .cursor_move = memory_cursor_move,
    .cursor_close = memory_cursor_close,
};

static inline void memory_release(struct memory_store *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->rows[i].key);
		free(s->rows[i].value);
	}
	free(s->rows);
}

#endif
