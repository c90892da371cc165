/* SPDX-License-Identifier: ISC */
/* Layout: u64 device, u64 inode, text queue_directory, text hostname, u8 adopt, i64 began, i64
 * whole, u32 records, blob of blobs, u32 left, then for each left ID u64 time and u64 inode. */
#include "index/control/update.h"

#define LEFT_SIZE 16

void update_add(struct bytes *records, const struct message *m)
{
	size_t start = records->len;

	bytes_put_u32(records, 0);
	record_encode(m, records);
	if (!records->failed)
		bytes_set_u32(records, start, (uint32_t)(records->len - start - 4));
}

void update_encode(const struct update *u, struct bytes *out)
{
	bytes_put_u64(out, u->place.device);
	bytes_put_u64(out, u->place.inode);
	bytes_put_text(out, u->queue_directory);
	bytes_put_text(out, u->hostname);
	bytes_put_u8(out, u->adopt);
	bytes_put_i64(out, u->began);
	bytes_put_i64(out, u->whole);
	bytes_put_u32(out, u->record_count);
	bytes_put_blob(out, u->records.at, u->records.len);
	bytes_put_u32(out, u->left_count);
	for (uint32_t i = 0; i < u->left_count; i++) {
		bytes_put_u64(out, u->left[i].time & ~PACKED_ID_FLAGS);
		bytes_put_u64(out, u->left[i].inode);
	}
}

static bool records_valid(const struct update *u)
{
	struct span record;
	size_t at = 0;
	uint32_t count = 0;

	while (update_next(u, &at, &record) == 1)
		count++;
	return count == u->record_count && at == u->records.len;
}

int update_decode(struct span body, struct update *ret)
{
	struct reader r = reader_of(body.at, body.len);
	struct update u = {0};
	uint8_t adopt;

	u.place.device = reader_u64(&r);
	u.place.inode = reader_u64(&r);
	u.queue_directory = reader_text(&r);
	u.hostname = reader_text(&r);
	adopt = reader_u8(&r);
	u.adopt = adopt == 1;
	u.began = reader_i64(&r);
	u.whole = reader_i64(&r);
	u.record_count = reader_u32(&r);
	u.records = reader_blob(&r);
	u.left_count = reader_u32(&r);
	u.packed = reader_take(&r, (size_t)u.left_count * LEFT_SIZE);
	if (!reader_done(&r) || adopt > 1 || !records_valid(&u))
		return ERR_SYNTAX;
	*ret = u;
	return 0;
}

int update_next(const struct update *u, size_t *at, struct span *ret)
{
	struct reader r =
	    reader_of((const unsigned char *)u->records.at + *at, u->records.len - *at);

	*ret = reader_blob(&r);
	if (r.failed)
		return 0;
	*at += 4 + ret->len;
	return 1;
}

struct packed_id update_left(const struct update *u, uint32_t n)
{
	struct reader r = reader_of(u->packed + (size_t)n * LEFT_SIZE, LEFT_SIZE);
	uint64_t time = reader_u64(&r);

	return (struct packed_id){.time = time & ~PACKED_ID_FLAGS, .inode = reader_u64(&r)};
}
