/* SPDX-License-Identifier: ISC */
/* What the index holds as a whole, collected in one read transaction. */
#include "index/overview.h"

#include <errno.h>

#include "index/home.h"
#include "index/rows/entry.h"
#include "index/rows/select.h"

#define DAMAGED_MAX 100 /* rows that are passed over in search of the oldest */

/* ---- in the child */

static int64_t oldest_of(struct txn *txn)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	int found, left = DAMAGED_MAX;
	struct span key, value;
	int64_t oldest = 0;

	for (found = cursor_seek(cursor, (struct span){.at = "", .len = 0}, &key, &value);
	     found == 1 && oldest == 0 && left-- > 0; found = cursor_next(cursor, &key, &value)) {
		struct record_head head;

		if (record_head(value, &head) == 0)
			oldest = head.mail_time;
	}
	cursor_close(cursor);
	return oldest;
}

static void put_instance(struct txn *txn, struct bytes *out)
{
	struct span stored;
	struct strlist two;
	bool known =
	    home_instance(txn, &stored) == 1 && strlist_view(stored.at, stored.len, 2, &two) == 0;

	bytes_put_text(out, known ? two.first : "");
	bytes_put_text(out, known ? two.first + strlen(two.first) + 1 : "");
}

static int put_coverage(struct txn *txn, struct bytes *out)
{
	struct coverage_row *rows;
	size_t count;
	int code = coverage_read(txn, &rows, &count);

	if (code < 0)
		return code;
	bytes_put_u64(out, count);
	for (size_t n = 0; n < count; n++) {
		bytes_put_u8(out, (uint8_t)rows[n].kind);
		bytes_put_i64(out, rows[n].from);
		bytes_put_i64(out, rows[n].to);
		bytes_put_u64(out, rows[n].count);
		bytes_put_text(out, rows[n].reason);
	}
	free(rows);
	return 0;
}

static void put_synced(struct txn *txn, struct bytes *out)
{
	struct synced synced;

	(void)synced_get(txn, &synced);
	bytes_put_i64(out, synced.time);
	bytes_put_u64(out, synced.unindexed);
	bytes_put_u64(out, synced.maildrop);
	bytes_put_u64(out, synced.arriving);
}

static int collect(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct store_usage usage;
	uint64_t rows = 0;
	struct txn txn;
	int code = store_usage(store, &usage, err);

	(void)arg;
	if (code < 0)
		return code;
	(void)txn_begin(store, false, &txn);
	(void)txn_count(&txn, STORE_MESSAGE, &rows); /* with what is on its way into the store */
	bytes_put_u64(out, rows);
	bytes_put_u64(out, usage.used_pages * usage.page_size);
	bytes_put_u64(out, usage.map_pages * usage.page_size);
	bytes_put_u64(out, usage.file_bytes);
	bytes_put_i64(out, oldest_of(&txn));
	put_instance(&txn, out);
	put_synced(&txn, out);
	code = put_coverage(&txn, out);
	if (code == 0)
		code = txn.code;
	txn_abort(&txn);
	return code < 0 ? err_set(err, code, "failed to read the index (%s)", err_word(code)) : 0;
}

static int collect_instance(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct txn txn;

	(void)arg;
	(void)txn_begin(store, false, &txn);
	put_instance(&txn, out);
	int code = txn.code;
	txn_abort(&txn);
	return code < 0 ? err_set(err, code, "failed to read the index (%s)", err_word(code)) : 0;
}

/* ---- in the parent */

static bool view_coverage(struct reader *r, struct overview *o)
{
	uint64_t count = reader_u64(r);

	/* A row takes more than a byte, so what is claimed is bounded by what came. */
	if (r->failed || count > (size_t)(r->end - r->at))
		return false;
	o->coverage = calloc(count + 1, sizeof(*o->coverage));
	if (!o->coverage)
		return false;
	for (; o->coverage_count < count; o->coverage_count++) {
		struct coverage_row *row = &o->coverage[o->coverage_count];

		row->kind = reader_u8(r);
		row->from = reader_i64(r);
		row->to = reader_i64(r);
		row->count = reader_u64(r);
		snprintf(row->reason, sizeof(row->reason), "%s", reader_text(r));
	}
	return true;
}

static bool view(const struct blob *blob, struct overview *o)
{
	struct reader r = reader_of(blob->at, blob->len);

	o->messages = reader_u64(&r);
	o->used_bytes = reader_u64(&r);
	o->map_bytes = reader_u64(&r);
	o->file_bytes = reader_u64(&r);
	o->oldest = reader_i64(&r);
	o->queue_directory = strdup(reader_text(&r));
	o->hostname = strdup(reader_text(&r));
	o->synced.time = reader_i64(&r);
	o->synced.unindexed = reader_u64(&r);
	o->synced.maildrop = reader_u64(&r);
	o->synced.arriving = reader_u64(&r);
	return o->queue_directory && o->hostname && view_coverage(&r, o) && reader_done(&r);
}

int overview_read(const char *directory, struct overview *ret, struct err *err)
{
	struct overview o = {0};
	struct blob blob = {0};
	int code = index_read(directory, collect, NULL, &blob, err);

	if (code == 0 && !view(&blob, &o))
		code = err_set(err, ERR_CHILD, "the reader of the index broke off");
	blob_release(&blob);
	if (code < 0) {
		overview_release(&o);
		return code;
	}
	o.last_sign = home_last_sign(directory);
	*ret = o;
	return 0;
}

void overview_release(struct overview *o)
{
	free(o->coverage);
	free(o->queue_directory);
	free(o->hostname);
	*o = (struct overview){0};
}

int overview_instance(
    const char *directory, char **ret_queue_directory, char **ret_hostname, struct err *err)
{
	struct blob blob = {0};
	int code = index_read(directory, collect_instance, NULL, &blob, err);
	struct reader r = reader_of(blob.at, blob.len);

	if (code == 0) {
		char *queue_directory = strdup(reader_text(&r));
		char *hostname = strdup(reader_text(&r));

		if (queue_directory && hostname && *queue_directory && reader_done(&r)) {
			*ret_queue_directory = queue_directory;
			*ret_hostname = hostname;
			code = 1;
		} else {
			free(queue_directory);
			free(hostname);
		}
	}
	blob_release(&blob);
	return code;
}
