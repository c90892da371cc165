/* SPDX-License-Identifier: ISC */
/* The store's sticky transactions, the same over every driver. */
#include <errno.h>

#include "index/store.h"

int txn_fail(struct txn *txn, int code, const char *words)
{
	if (txn->code == 0) {
		txn->code = code;
		if (txn->err.text[0] == '\0')
			(void)err_set(&txn->err, code, "%s", words ? words : err_word(code));
	}
	return txn->code;
}

/* A driver's answer: 0 and 1 pass, a failure becomes sticky. */
static int answer(struct txn *txn, int code)
{
	return code < 0 ? txn_fail(txn, code, NULL) : code;
}

void store_close(struct store *store)
{
	if (store)
		store->driver->close(store);
}

int txn_begin(struct store *store, bool write, struct txn *txn)
{
	*txn = (struct txn){.store = store, .write = write};
	return answer(txn, store->driver->begin(store, txn));
}

int txn_commit(struct txn *txn, struct err *err)
{
	if (txn->code != 0)
		txn_abort(txn);
	else if (txn->handle)
		(void)answer(txn, txn->store->driver->commit(txn));
	txn->handle = NULL;
	if (txn->code != 0)
		return err_set(err, txn->code, "%s", txn->err.text);
	return 0;
}

void txn_abort(struct txn *txn)
{
	if (txn->handle)
		txn->store->driver->abort(txn);
	txn->handle = NULL;
}

void txn_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append)
{
	if (txn->code == 0)
		(void)answer(txn, txn->store->driver->put(txn, table, key, value, append));
}

int txn_get(struct txn *txn, enum store_table table, struct span key, struct span *ret)
{
	if (txn->code != 0)
		return txn->code;
	return answer(txn, txn->store->driver->get(txn, table, key, ret));
}

int txn_delete(struct txn *txn, enum store_table table, struct span key)
{
	if (txn->code != 0)
		return txn->code;
	return answer(txn, txn->store->driver->del(txn, table, key));
}

int txn_count(struct txn *txn, enum store_table table, uint64_t *ret)
{
	if (txn->code != 0)
		return txn->code;
	return answer(txn, txn->store->driver->count(txn, table, ret));
}

struct store_cursor *cursor_open(struct txn *txn, enum store_table table)
{
	struct store_cursor *cursor;
	int code = 0;

	if (txn->code != 0)
		return NULL;
	cursor = txn->store->driver->cursor_open(txn, table, &code);
	if (!cursor)
		(void)txn_fail(txn, code != 0 ? code : -ENOMEM, NULL);
	return cursor;
}

static int move(struct store_cursor *cursor, int how, struct span *key, struct span *value)
{
	struct txn *txn;

	if (!cursor)
		return 0;
	txn = cursor->txn;
	if (txn->code != 0)
		return txn->code;
	return answer(txn, txn->store->driver->cursor_move(cursor, how, key, value));
}

int cursor_seek(
    struct store_cursor *cursor, struct span key, struct span *ret_key, struct span *ret_value)
{
	*ret_key = key;
	return move(cursor, CURSOR_SEEK, ret_key, ret_value);
}

int cursor_next(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value)
{
	return move(cursor, CURSOR_NEXT, ret_key, ret_value);
}

int cursor_last(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value)
{
	return move(cursor, CURSOR_LAST, ret_key, ret_value);
}

int cursor_prev(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value)
{
	return move(cursor, CURSOR_PREV, ret_key, ret_value);
}

void cursor_close(struct store_cursor *cursor)
{
	if (cursor)
		cursor->txn->store->driver->cursor_close(cursor);
}

int store_usage(struct store *store, struct store_usage *ret, struct err *err)
{
	return store->driver->usage(store, ret, err);
}

int store_preallocate(struct store *store, uint64_t bytes)
{
	return store->driver->preallocate(store, bytes);
}

int store_check(struct store *store)
{
	return store->driver->check(store);
}
