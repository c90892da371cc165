/* SPDX-License-Identifier: ISC */
/* What this command holds, by its own account. */
#include <errno.h>

#include "purge/holds.h"

static int collect_batch(struct txn *txn, const struct batch *b, struct bytes *out)
{
	bool held = strcmp(b->verb, "hold") == 0;
	uint32_t items = b->item_count;

	if (!held && strcmp(b->verb, "release") != 0 && strcmp(b->verb, "undo") != 0)
		return 0;
	for (uint32_t part = 0; part * (uint64_t)BATCH_PART_ITEMS < items; part++) {
		struct span span;
		int found = batch_get_part(txn, b->number, part, &span);

		if (found < 0)
			return found;
		if (found == 0)
			break;
		bytes_put_u64(out, b->number);
		bytes_put_u8(out, held);
		bytes_put_blob(out, span.at, span.len);
	}
	return 0;
}

/* In the child: the parts of all batches that held or released. */
static int collect(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct batch b;
	struct txn txn;
	int code = txn_begin(store, false, &txn);

	(void)arg;
	for (uint64_t number = 0; code >= 0; number = b.number + 1) {
		code = batch_next(&txn, number, &b);
		if (code <= 0)
			break;
		code = collect_batch(&txn, &b, out);
	}
	txn_abort(&txn);
	return code < 0 ? err_set(err, code, "failed to read the batches (%s)", err_word(code)) : 0;
}

static int add_part(struct holds *holds, size_t *cap, struct span part, uint64_t batch, bool held)
{
	struct reader r = reader_of(part.at, part.len);
	struct batch_item item;

	while (!reader_done(&r) && batch_item_decode(&r, &item) == 0) {
		if (holds->count == *cap) {
			size_t more = *cap ? *cap * 2 : 1024;
			struct holds_entry *list = realloc(holds->list, more * sizeof(*list));

			if (!list)
				return -ENOMEM;
			holds->list = list;
			*cap = more;
		}
		if (item.result == RESULT_DONE)
			holds->list[holds->count++] =
			    (struct holds_entry){item.queue_id, item.arrival_time, batch, held};
	}
	return 0;
}

static int by_identity(const struct holds_entry *a, const struct queue_id *id, int64_t arrival_time)
{
	int order = strcmp(a->queue_id.text, id->text);

	if (order)
		return order;
	return a->arrival_time < arrival_time ? -1 : a->arrival_time > arrival_time;
}

static int compare(const void *left, const void *right)
{
	const struct holds_entry *a = left, *b = right;
	int order = by_identity(a, &b->queue_id, b->arrival_time);

	if (order)
		return order;
	return a->batch < b->batch ? -1 : a->batch > b->batch;
}

int holds_read(const char *directory, struct holds *ret, struct err *err)
{
	struct blob blob = {0};
	struct reader r;
	size_t cap = 0;
	int code = index_read(directory, collect, NULL, &blob, err);

	if (code < 0)
		return code;
	*ret = (struct holds){0};
	r = reader_of(blob.at, blob.len);
	while (code >= 0 && !reader_done(&r) && !r.failed) {
		uint64_t batch = reader_u64(&r);
		bool held = reader_u8(&r);

		code = add_part(ret, &cap, reader_blob(&r), batch, held);
	}
	blob_release(&blob);
	if (code < 0 || r.failed) {
		holds_release(ret);
		return err_set(err, code < 0 ? code : ERR_DAMAGED, "failed to read the batches");
	}
	if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare);
	return 0;
}

/* The last entry of the message says how it stands. */
bool holds_contains(const struct holds *holds, const struct queue_id *id, int64_t arrival_time)
{
	size_t low = 0, high = holds->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_identity(&holds->list[middle], id, arrival_time) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && by_identity(&holds->list[low - 1], id, arrival_time) == 0 &&
	       holds->list[low - 1].held;
}

void holds_release(struct holds *holds)
{
	free(holds->list);
	*holds = (struct holds){0};
}

uint64_t holds_exclude_foreign(const struct holds *holds, struct outcome *outcome)
{
	uint64_t foreign = 0;

	for (size_t i = 0; i < outcome->count; i++) {
		struct item *item = &outcome->items[i];
		struct queue_id id = candidate_id(item->candidate);

		if (item->result != RESULT_READY ||
		    holds_contains(holds, &id, item->proof.arrival_time))
			continue;
		item->result = RESULT_EXCLUDED;
		foreign++;
	}
	return foreign;
}
