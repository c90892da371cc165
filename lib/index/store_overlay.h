/* SPDX-License-Identifier: ISC */
/*
 * A store as it would be with something more written to it: a store that is only read and, over it,
 * changes that live in memory. Nothing here knows what the changes are or where they come from.
 *
 * Each transaction is one of the base's with changes of its own, made at its beginning by the fill
 * function; from then on it answers as if they had been committed. It is for reading: puts and
 * deletes, and beginning one for writing, fail with -EACCES. Several may be open at once, as on the
 * base, and may see different changes. All views, the base's and the changes', stay valid until the
 * end of the transaction.
 *
 * Cost: a table without changes answers as fast as the base, but for two calls; others compare
 * keys. The memory of the changes is the transaction's; fill bounds it. store_usage, store_check
 * and store_preallocate are the base's: usage counts the rows that are committed, txn_count those
 * that the transaction sees.
 */
#ifndef PQPURGE_INDEX_STORE_OVERLAY_H
#define PQPURGE_INDEX_STORE_OVERLAY_H

#include "index/store.h"

/*
 * Both are called at the beginning of each transaction, in its thread, by several at once if they
 * begin at once.
 *
 * Reads what there may be to lay over, before the base's snapshot is taken: what goes over from
 * there to the base meanwhile is found in both, never in neither. 0 or a negative code.
 */
typedef int overlay_read(void *arg, struct bytes *ret, struct err *err);
/*
 * Writes the changes, from what was read; that is gone when it returns. txn takes all calls but
 * commit and abort, on the base's snapshot with what was put and deleted so far; it and its cursors
 * are gone then too. As in LMDB, keys have 1 to 511 bytes (-EINVAL), and a put replaces; append is
 * believed, not checked. A cursor that was open during a put or a delete must seek before its next.
 * Seeking passes the deleted rows that follow one by one: to prune n rows takes n * n / 2 steps.
 *
 * 0, or a negative code, which becomes the transaction's, as does the sticky code of txn, with its
 * words.
 */
typedef int overlay_fill(void *arg, struct span read, struct txn *txn);

struct overlay_source {
	overlay_read *read; /* NULL: there is nothing to read */
	overlay_fill *fill;
	void *arg; /* lives as long as the store */
};

/* Takes base over; base is no overlay. NULL on no memory: base is closed then too. */
struct store *store_open_overlay(struct store *base, const struct overlay_source *source) NODISCARD;

#endif
