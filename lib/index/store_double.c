/* SPDX-License-Identifier: ISC */
/* Store drivers that wrap another: each transaction of theirs is one of the inner store's. */
#include <errno.h>
#include <unistd.h>

#include "index/store_double.h"

struct double_store {
	struct store base;
	struct store *inner;
	struct store_faults *faults; /* the failing driver's */
	_Atomic bool *blocked;       /* the blocking driver's */
};
struct double_cursor {
	struct store_cursor base;
	struct store_cursor *inner;
};

static struct double_store *double_of(struct store *store)
{
	return (struct double_store *)store;
}

/* The code this operation is to fail with; 0 = let it pass. */
static int fault(struct double_store *s, enum store_faults_at here)
{
	struct store_faults *faults = s->faults;

	if (!faults || (faults->at != FAULTS_ANYWHERE && faults->at != (int)here))
		return 0;
	faults->operations++;
	if (faults->fail_code == 0)
		return 0;
	return faults->fail_after-- > 0 ? 0 : faults->fail_code;
}

static int double_begin(struct store *store, struct txn *txn)
{
	struct double_store *s = double_of(store);
	struct txn *inner;
	int code = fault(s, FAULTS_ANYWHERE);

	if (code != 0)
		return code;
	inner = calloc(1, sizeof *inner);
	if (!inner)
		return -ENOMEM;
	code = txn_begin(s->inner, txn->write, inner);
	if (code != 0) {
		txn->err = inner->err;
		free(inner);
		return code;
	}
	txn->handle = inner;
	return 0;
}

static void double_abort(struct txn *txn)
{
	txn_abort(txn->handle);
	free(txn->handle);
}

static int double_commit(struct txn *txn)
{
	struct double_store *s = double_of(txn->store);
	int code = txn->write ? fault(s, FAULTS_AT_COMMIT) : 0;

	while (s->blocked && txn->write && *s->blocked)
		(void)usleep(1000);
	if (code != 0) {
		double_abort(txn);
		return code;
	}
	code = txn_commit(txn->handle, &txn->err);
	free(txn->handle);
	return code;
}

static int double_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append)
{
	struct txn *inner = txn->handle;
	int code = fault(
	    double_of(txn->store), table == STORE_MESSAGE ? FAULTS_AT_MESSAGE : FAULTS_ANYWHERE);

	if (code != 0)
		return code;
	txn_put(inner, table, key, value, append);
	txn->err = inner->err;
	return inner->code;
}

static int double_get(struct txn *txn, enum store_table table, struct span key, struct span *ret)
{
	int code = fault(double_of(txn->store), FAULTS_ANYWHERE);

	return code != 0 ? code : txn_get(txn->handle, table, key, ret);
}

static int double_delete(struct txn *txn, enum store_table table, struct span key)
{
	int code = fault(double_of(txn->store), FAULTS_ANYWHERE);

	return code != 0 ? code : txn_delete(txn->handle, table, key);
}

static int double_count(struct txn *txn, enum store_table table, uint64_t *ret)
{
	int code = fault(double_of(txn->store), FAULTS_ANYWHERE);

	return code != 0 ? code : txn_count(txn->handle, table, ret);
}

static struct store_cursor *double_cursor_open(
    struct txn *txn, enum store_table table, int *ret_code)
{
	struct txn *inner = txn->handle;
	struct double_cursor *cursor;

	*ret_code = fault(double_of(txn->store), FAULTS_ANYWHERE);
	if (*ret_code != 0)
		return NULL;
	cursor = calloc(1, sizeof *cursor);
	if (!cursor)
		return NULL;
	cursor->base.txn = txn;
	cursor->inner = cursor_open(inner, table);
	if (!cursor->inner) {
		*ret_code = inner->code;
		free(cursor);
		return NULL;
	}
	return &cursor->base;
}

static int double_cursor_move(
    struct store_cursor *base, int how, struct span *key, struct span *value)
{
	struct double_cursor *cursor = (struct double_cursor *)base;
	int code = fault(double_of(base->txn->store), FAULTS_ANYWHERE);

	if (code != 0)
		return code;
	switch (how) {
	case CURSOR_SEEK:
		return cursor_seek(cursor->inner, *key, key, value);
	case CURSOR_LAST:
		return cursor_last(cursor->inner, key, value);
	case CURSOR_PREV:
		return cursor_prev(cursor->inner, key, value);
	default:
		return cursor_next(cursor->inner, key, value);
	}
}

static void double_cursor_close(struct store_cursor *base)
{
	struct double_cursor *cursor = (struct double_cursor *)base;

	cursor_close(cursor->inner);
	free(cursor);
}

static int double_usage(struct store *store, struct store_usage *ret, struct err *err)
{
	int code = fault(double_of(store), FAULTS_ANYWHERE);

	return code != 0 ? err_set(err, code, "%s", err_word(code))
			 : store_usage(double_of(store)->inner, ret, err);
}

static int double_preallocate(struct store *store, uint64_t bytes)
{
	return store_preallocate(double_of(store)->inner, bytes);
}

static int double_check(struct store *store)
{
	return store_check(double_of(store)->inner);
}

static void double_close(struct store *store)
{
	store_close(double_of(store)->inner);
	free(store);
}

static const struct store_driver double_driver = {
    .close = double_close,
    .begin = double_begin,
    .commit = double_commit,
    .abort = double_abort,
    .put = double_put,
    .get = double_get,
    .del = double_delete,
    .count = double_count,
    .cursor_open = double_cursor_open,
    .cursor_move = double_cursor_move,
    .cursor_close = double_cursor_close,
    .usage = double_usage,
    .preallocate = double_preallocate,
    .check = double_check,
};

static struct double_store *wrap(struct store *inner)
{
	struct double_store *s = calloc(1, sizeof *s);

	if (s) {
		s->base.driver = &double_driver;
		s->inner = inner;
	}
	return s;
}

struct store *store_open_failing(struct store *inner, struct store_faults *faults)
{
	struct double_store *s = wrap(inner);

	if (!s)
		return NULL;
	s->faults = faults;
	return &s->base;
}

struct store *store_open_blocking(struct store *inner, _Atomic bool *blocked)
{
	struct double_store *s = wrap(inner);

	if (!s)
		return NULL;
	s->blocked = blocked;
	return &s->base;
}
