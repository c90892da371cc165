/* SPDX-License-Identifier: ISC */
/*
 * The account. Key: batch (u64 big-endian), row (u32 big-endian): row 0 is the batch itself, row n
 * + 1 its part n of items. The last number given is kept apart, so that no number is used twice
 * when the newest batch is gone.
 */
#include "index/batch.h"

#include <errno.h>

#define BATCH_VERSION 1
#define KEY_SIZE      12
#define META_BATCH    "batch"

static struct span key_of(uint64_t number, uint32_t row, unsigned char buf[KEY_SIZE])
{
	be64_store(buf, number);
	be32_store(buf + 8, row);
	return (struct span){.at = buf, .len = KEY_SIZE};
}

static uint64_t number_of(struct span key)
{
	return key.len == KEY_SIZE ? be64_load(key.at) : 0;
}

/* ---- codec */

void batch_encode(const struct batch *b, struct bytes *out)
{
	size_t len = b->command ? strnlen(b->command, BATCH_COMMAND_MAX) : 0;

	bytes_put_u8(out, BATCH_VERSION);
	bytes_put_u64(out, b->number);
	bytes_put_i64(out, b->time);
	bytes_put_u32(out, b->uid);
	bytes_put_text(out, b->verb);
	bytes_put_text(out, b->user);
	bytes_put_u32(out, (uint32_t)len + 1);
	if (len > 0)
		bytes_put(out, b->command, len);
	bytes_put_u8(out, 0);
	bytes_put_text(out, b->reason);
	bytes_put_u64(out, b->matched);
	bytes_put_u64(out, b->done);
	bytes_put_u64(out, b->gone);
	bytes_put_u64(out, b->changed);
	bytes_put_u64(out, b->failed);
	bytes_put_u64(out, b->unindexed);
	bytes_put_u32(out, b->item_count);
	bytes_put_u32(out, b->rules_set);
}

int batch_decode(struct span stored, struct batch *ret)
{
	struct reader r = reader_of(stored.at, stored.len);
	uint8_t version = reader_u8(&r);

	ret->number = reader_u64(&r);
	ret->time = reader_i64(&r);
	ret->uid = reader_u32(&r);
	ret->verb = reader_text(&r);
	ret->user = reader_text(&r);
	ret->command = reader_text(&r);
	ret->reason = reader_text(&r);
	ret->matched = reader_u64(&r);
	ret->done = reader_u64(&r);
	ret->gone = reader_u64(&r);
	ret->changed = reader_u64(&r);
	ret->failed = reader_u64(&r);
	ret->unindexed = reader_u64(&r);
	ret->item_count = reader_u32(&r);
	ret->rules_set = reader_u32(&r);
	return reader_done(&r) && version == BATCH_VERSION ? 0 : ERR_DAMAGED;
}

void batch_item_encode(const struct batch_item *item, struct bytes *out)
{
	size_t len = strlen(item->queue_id.text);

	bytes_put_u8(out, (uint8_t)len);
	bytes_put(out, item->queue_id.text, len);
	bytes_put_u8(out, item->result);
	bytes_put_i64(out, item->arrival_time);
	bytes_put_u64(out, item->inode);
}

int batch_item_decode(struct reader *from, struct batch_item *ret)
{
	size_t len = reader_u8(from);
	const char *text = reader_take(from, len);

	if (!text || queue_id_parse(text, len, &ret->queue_id) != 0)
		return ERR_DAMAGED;
	ret->result = reader_u8(from);
	ret->arrival_time = reader_i64(from);
	ret->inode = reader_u64(from);
	return from->failed ? ERR_DAMAGED : 0;
}

/* ---- storing */

static uint64_t next_number(struct txn *txn)
{
	const struct span name = {.at = META_BATCH, .len = strlen(META_BATCH)};
	unsigned char buf[8];
	struct span stored;
	uint64_t last = 0;

	if (txn_get(txn, STORE_META, name, &stored) == 1 && stored.len == sizeof buf)
		last = be64_load(stored.at);
	be64_store(buf, last + 1);
	txn_put(txn, STORE_META, name, (struct span){.at = buf, .len = sizeof buf}, false);
	return last + 1;
}

/* Whole batches go, oldest first. */
static void drop_before(struct txn *txn, uint64_t number)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_BATCH);
	const struct span first = {.at = "", .len = 0};
	unsigned char buf[KEY_SIZE];
	struct span key, value;

	while (cursor_seek(cursor, first, &key, &value) == 1 && key.len == KEY_SIZE &&
	       number_of(key) < number) {
		memcpy(buf, key.at, KEY_SIZE);
		(void)txn_delete(txn, STORE_BATCH, (struct span){.at = buf, .len = KEY_SIZE});
	}
	cursor_close(cursor);
}

uint64_t batch_store(struct txn *txn, const struct batch *b)
{
	unsigned char key[KEY_SIZE];
	struct batch numbered = *b;
	struct bytes value = {0};

	numbered.number = next_number(txn);
	batch_encode(&numbered, &value);
	if (value.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	else
		txn_put(
		    txn, STORE_BATCH, key_of(numbered.number, 0, key), bytes_span(&value), false);
	bytes_release(&value);
	if (numbered.number > BATCH_KEEP)
		drop_before(txn, numbered.number - BATCH_KEEP + 1);
	return txn->code == 0 ? numbered.number : 0;
}

int batch_drop_oldest(struct txn *txn)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_BATCH);
	const struct span start = {.at = "", .len = 0};
	struct span key, value;
	uint64_t first = 0, last = 0;

	if (cursor_seek(cursor, start, &key, &value) == 1)
		first = number_of(key);
	if (cursor_last(cursor, &key, &value) == 1)
		last = number_of(key);
	cursor_close(cursor);
	if (txn->code != 0 || first == last)
		return txn->code;
	drop_before(txn, first + 1);
	return txn->code != 0 ? txn->code : 1;
}

int batch_store_part(struct txn *txn, uint64_t number, uint32_t part, struct span items)
{
	unsigned char key[KEY_SIZE];
	struct span head;
	int found = txn_get(txn, STORE_BATCH, key_of(number, 0, key), &head);

	if (found != 1 || part == UINT32_MAX)
		return found < 0 ? found : 0;
	txn_put(txn, STORE_BATCH, key_of(number, part + 1, key), items, false);
	return txn->code != 0 ? txn->code : 1;
}

/* ---- reading */

int batch_get(struct txn *txn, uint64_t number, struct batch *ret)
{
	unsigned char key[KEY_SIZE];
	struct span stored;
	int found = txn_get(txn, STORE_BATCH, key_of(number, 0, key), &stored), code;

	if (found != 1)
		return found;
	code = batch_decode(stored, ret);
	return code != 0 ? code : 1;
}

int batch_get_part(struct txn *txn, uint64_t number, uint32_t part, struct span *ret_items)
{
	unsigned char key[KEY_SIZE];

	if (part == UINT32_MAX)
		return 0;
	return txn_get(txn, STORE_BATCH, key_of(number, part + 1, key), ret_items);
}

int batch_next(struct txn *txn, uint64_t number, struct batch *ret)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_BATCH);
	unsigned char buf[KEY_SIZE];
	struct span key, value;
	int found;

	for (;;) {
		found = cursor_seek(cursor, key_of(number, 0, buf), &key, &value);
		if (found != 1)
			break;
		if (key.len == KEY_SIZE && be32_load((const unsigned char *)key.at + 8) == 0 &&
		    batch_decode(value, ret) == 0)
			break;
		if (number_of(key) == UINT64_MAX || key.len != KEY_SIZE) {
			found = 0;
			break;
		}
		number = number_of(key) + 1;
	}
	cursor_close(cursor);
	return txn->code != 0 ? txn->code : found;
}
