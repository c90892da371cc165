/* SPDX-License-Identifier: ISC */
/*
 * Changes over a store: each transaction is one of the base's and a delta. A row that the delta has
 * covers the base's row of that key, whether it has a value or is deleted; the base's other rows
 * show through.
 */
#include <errno.h>

#include "index/store_delta.h"
#include "index/store_overlay.h"

#define KEY_MAX 511 /* LMDB's, as it is built everywhere */

struct overlay_store {
	struct store base;
	struct store *inner;
	struct overlay_source source;
};
struct overlay_txn {
	struct txn inner;
	struct delta delta;
	struct overlay_table {
		int64_t difference; /* rows seen less the base's */
		struct span end;    /* if set, all rows of the base from this key on are covered */
	} tables[STORE_TABLE_COUNT];
};
struct overlay_cursor {
	struct store_cursor base;
	struct store_cursor *inner;
	struct delta_table *changes;
	struct overlay_table *table;
	size_t at; /* the change that comes next */
	/* The inner cursor stands on a row that was given or covered (or nowhere yet); on one that
	 * comes next, which is in key and value; past the last one. */
	enum { PASSED, HELD, ENDED } inner_state;
	struct span key, value;
};

static struct overlay_store *overlay_of(struct store *store)
{
	return (struct overlay_store *)store;
}

/* An answer of the base, whose words go along with a failure. */
static int from_inner(struct txn *txn, int code)
{
	if (code < 0)
		txn->err = ((struct overlay_txn *)txn->handle)->inner.err;
	return code;
}

/* ---- transactions */

static void overlay_abort(struct txn *txn)
{
	struct overlay_txn *o = txn->handle;

	txn_abort(&o->inner);
	delta_release(&o->delta);
	free(o);
}

static int overlay_commit(struct txn *txn)
{
	struct overlay_txn *o = txn->handle;
	int code = txn_commit(&o->inner, &txn->err);

	delta_release(&o->delta);
	free(o);
	return code;
}

/* A snapshot and its changes. What fill writes through is a transaction of its own, the only one
 * that says write. */
static int begin_filled(struct overlay_store *s, struct span read, struct txn *txn)
{
	struct overlay_txn *o = calloc(1, sizeof *o);
	struct txn writing = {.store = &s->base, .handle = o, .write = true};
	int code;

	if (!o)
		return -ENOMEM;
	code = from_inner(&writing, txn_begin(s->inner, false, &o->inner));
	if (code == 0)
		code = s->source.fill(s->source.arg, read, &writing);
	if (writing.code != 0)
		code = writing.code;
	if (code == 0) {
		txn->handle = o;
		return 0;
	}
	txn->err = writing.err;
	overlay_abort(&writing);
	return code;
}

static int overlay_begin(struct store *store, struct txn *txn)
{
	struct overlay_store *s = overlay_of(store);
	struct bytes read = {0};
	int code = 0;

	if (txn->write)
		return err_set(
		    &txn->err, -EACCES, "failed to write to the index (open for reading)");
	if (s->source.read)
		code = s->source.read(s->source.arg, &read, &txn->err);
	if (code == 0)
		code = read.failed ? -ENOMEM : begin_filled(s, bytes_span(&read), txn);
	bytes_release(&read);
	return code;
}

/* ---- rows */

static int overlay_get(struct txn *txn, enum store_table table, struct span key, struct span *ret)
{
	struct overlay_txn *o = txn->handle;
	const struct delta_row *row = delta_find(&o->delta.tables[table], key);

	if (!row)
		return from_inner(txn, txn_get(&o->inner, table, key, ret));
	if (row->deleted)
		return 0;
	*ret = row->value;
	return 1;
}

/* NULL deletes. 1: the key was there, 0: it was not, or a code. */
static int change(
    struct txn *txn, enum store_table table, struct span key, const struct span *value)
{
	struct overlay_txn *o = txn->handle;
	struct span old;
	int code, there;

	if (!txn->write)
		return err_set(
		    &txn->err, -EACCES, "failed to write to the index (open for reading)");
	if (key.len == 0 || key.len > KEY_MAX)
		return -EINVAL;
	there = overlay_get(txn, table, key, &old);
	if (there < 0 || (there == 0 && !value))
		return there;
	code = delta_set(&o->delta, table, key, value);
	if (code != 0)
		return code;
	o->tables[table].difference += (value != NULL) - there;
	return there;
}

static int overlay_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append)
{
	int code = change(txn, table, key, &value);

	(void)append;
	return code < 0 ? code : 0;
}

static int overlay_delete(struct txn *txn, enum store_table table, struct span key)
{
	return change(txn, table, key, NULL);
}

static int overlay_count(struct txn *txn, enum store_table table, uint64_t *ret)
{
	struct overlay_txn *o = txn->handle;
	uint64_t rows;
	int code = from_inner(txn, txn_count(&o->inner, table, &rows));

	if (code == 0)
		*ret = rows + (uint64_t)o->tables[table].difference;
	return code;
}

/* ---- cursors */

static struct store_cursor *overlay_cursor_open(
    struct txn *txn, enum store_table table, int *ret_code)
{
	struct overlay_txn *o = txn->handle;
	struct overlay_cursor *c = calloc(1, sizeof *c);

	*ret_code = -ENOMEM;
	if (!c)
		return NULL;
	c->base.txn = txn;
	c->changes = &o->delta.tables[table];
	c->table = &o->tables[table];
	c->inner = cursor_open(&o->inner, table);
	if (!c->inner) {
		*ret_code = from_inner(txn, o->inner.code);
		free(c);
		return NULL;
	}
	return &c->base;
}

static void overlay_cursor_close(struct store_cursor *base)
{
	struct overlay_cursor *c = (struct overlay_cursor *)base;

	cursor_close(c->inner);
	free(c);
}

/* Where the inner cursor is after a move to its next row, which answered found. */
static int hold(struct overlay_cursor *c, int found)
{
	c->inner_state = found == 1 ? HELD : ENDED;
	return found;
}

static int give(struct span k, struct span v, struct span *key, struct span *value)
{
	*key = k;
	*value = v;
	return 1;
}

/* Straight to the driver: a selection comes here for each row that there is. A failure is sticky in
 * the transaction that called. */
static int move_inner(struct overlay_cursor *c, int how, struct span *key, struct span *value)
{
	return c->inner->txn->store->driver->cursor_move(c->inner, how, key, value);
}

/* The lesser of both sides' next rows, without what is covered and what is deleted. */
static int move_to_next(struct overlay_cursor *c, struct span *key, struct span *value)
{
	for (;;) {
		const struct delta_row *row =
		    c->at < c->changes->count ? c->changes->rows[c->at] : NULL;
		int found = c->inner_state == HELD, order;

		if (c->inner_state == PASSED)
			found = hold(c, move_inner(c, CURSOR_NEXT, &c->key, &c->value));
		if (found < 0 || (found == 0 && !row))
			return found;
		order = !row ? -1 : found == 0 ? 1 : delta_compare(c->key, row->key);
		if (order <= 0)
			c->inner_state = PASSED;
		if (order < 0)
			return give(c->key, c->value, key, value);
		c->at++;
		if (!row->deleted)
			return give(row->key, row->value, key, value);
	}
}

static int move_to(struct overlay_cursor *c, struct span *key, struct span *value)
{
	int found = hold(c, cursor_seek(c->inner, *key, &c->key, &c->value));

	c->at = delta_seek(c->changes, *key);
	return found < 0 ? found : move_to_next(c, key, value);
}

/*
 * The base's last row that is not covered. What was found covered stays so and is passed over from
 * then on: adding a message asks for the last row each time.
 */
static int last_of_inner(struct overlay_cursor *c)
{
	struct span *end = &c->table->end;
	int found;

	if (end->at) {
		found = cursor_seek(c->inner, *end, &c->key, &c->value);
		if (found == 1)
			found = cursor_prev(c->inner, &c->key, &c->value);
	} else {
		found = cursor_last(c->inner, &c->key, &c->value);
	}
	while (found == 1 && delta_find(c->changes, c->key)) {
		*end = c->key;
		found = cursor_prev(c->inner, &c->key, &c->value);
	}
	return found;
}

static int move_to_last(struct overlay_cursor *c, struct span *key, struct span *value)
{
	const struct delta_row *row = delta_last(c->changes);
	int found = last_of_inner(c);

	c->at = c->changes->count;
	c->inner_state = ENDED;
	if (found == 1 && (!row || delta_compare(c->key, row->key) > 0))
		return give(c->key, c->value, key, value);
	if (found < 0 || !row)
		return found;
	return give(row->key, row->value, key, value);
}

static int overlay_cursor_move(
    struct store_cursor *base, int how, struct span *key, struct span *value)
{
	static int (*const moves[])(struct overlay_cursor *, struct span *, struct span *) = {
	    [CURSOR_SEEK] = move_to,
	    [CURSOR_NEXT] = move_to_next,
	    [CURSOR_LAST] = move_to_last,
	};
	struct overlay_cursor *c = (struct overlay_cursor *)base;
	int found;

	if (how == CURSOR_PREV)
		return -ENOTSUP;
	if (c->changes->count == 0)
		found = move_inner(c, how, key, value);
	else
		found = moves[how](c, key, value);
	return from_inner(base->txn, found);
}

/* ---- the store */

static int overlay_usage(struct store *store, struct store_usage *ret, struct err *err)
{
	return store_usage(overlay_of(store)->inner, ret, err);
}

static int overlay_preallocate(struct store *store, uint64_t bytes)
{
	return store_preallocate(overlay_of(store)->inner, bytes);
}

static int overlay_check(struct store *store)
{
	return store_check(overlay_of(store)->inner);
}

static void overlay_close(struct store *store)
{
	store_close(overlay_of(store)->inner);
	free(store);
}

static const struct store_driver overlay_driver = {
    .close = overlay_close,
    .begin = overlay_begin,
    .commit = overlay_commit,
    .abort = overlay_abort,
    .put = overlay_put,
    .get = overlay_get,
    .del = overlay_delete,
    .count = overlay_count,
    .cursor_open = overlay_cursor_open,
    .cursor_move = overlay_cursor_move,
    .cursor_close = overlay_cursor_close,
    .usage = overlay_usage,
    .preallocate = overlay_preallocate,
    .check = overlay_check,
};

struct store *store_open_overlay(struct store *base, const struct overlay_source *source)
{
	struct overlay_store *s = calloc(1, sizeof *s);

	if (!s) {
		store_close(base);
		return NULL;
	}
	*s = (struct overlay_store){
	    .base.driver = &overlay_driver, .inner = base, .source = *source};
	return &s->base;
}
