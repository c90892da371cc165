/* SPDX-License-Identifier: ISC */
/* What the index knows of itself: one value of META. */
#include "index/inside.h"

#include <errno.h>

static const struct span meta_key = {.at = "index", .len = 5};

static void copy_text(struct reader *r, char *into, size_t size)
{
	(void)snprintf(into, size, "%s", reader_text(r));
}

int meta_get(struct txn *txn, struct index_meta *ret)
{
	struct index_meta meta = {0};
	struct span value;
	int found = txn_get(txn, STORE_META, meta_key, &value);
	struct reader r;

	if (found < 0)
		return found;
	if (found == 1) {
		r = reader_of(value.at, value.len);
		meta.place.device = reader_u64(&r);
		meta.place.inode = reader_u64(&r);
		meta.caught_up = reader_i64(&r);
		meta.evicted = reader_u64(&r);
		meta.evicted_time = reader_i64(&r);
		copy_text(&r, meta.queue_directory, sizeof meta.queue_directory);
		copy_text(&r, meta.hostname, sizeof meta.hostname);
		if (!reader_done(&r))
			meta = (struct index_meta){0};
	}
	*ret = meta;
	return 0;
}

void meta_put(struct txn *txn, const struct index_meta *meta)
{
	struct bytes value = {0};

	bytes_put_u64(&value, meta->place.device);
	bytes_put_u64(&value, meta->place.inode);
	bytes_put_i64(&value, meta->caught_up);
	bytes_put_u64(&value, meta->evicted);
	bytes_put_i64(&value, meta->evicted_time);
	bytes_put_text(&value, meta->queue_directory);
	bytes_put_text(&value, meta->hostname);
	if (value.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	txn_put(txn, STORE_META, meta_key, bytes_span(&value), false);
	bytes_release(&value);
}
