/* SPDX-License-Identifier: ISC */
#include <endian.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/bytes.h"

static bool make_room(struct bytes *b, size_t more)
{
	bool possible = !b->failed && more <= SIZE_MAX / 2 - b->len;
	void *at = possible ? array_room(b->at, b->len + more, &b->cap, 1) : NULL;

	b->failed = !at;
	if (at)
		b->at = at;
	return at;
}

void bytes_ready(struct bytes *b, size_t len)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin, end;

	if (!make_room(b, len))
		return;
	begin = ((uintptr_t)b->at + b->len) & ~(page - 1);
	end = ((uintptr_t)b->at + b->len + len) & ~(page - 1);
	if (end > begin)
		(void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

void bytes_put(struct bytes *b, const void *at, size_t len)
{
	if (len == 0 || !make_room(b, len))
		return;
	memcpy(b->at + b->len, at, len);
	b->len += len;
}

void bytes_put_u8(struct bytes *b, uint8_t v)
{
	bytes_put(b, &v, sizeof(v));
}

void bytes_put_u16(struct bytes *b, uint16_t v)
{
	v = htole16(v);
	bytes_put(b, &v, sizeof(v));
}

void bytes_put_u32(struct bytes *b, uint32_t v)
{
	v = htole32(v);
	bytes_put(b, &v, sizeof(v));
}

void bytes_put_u64(struct bytes *b, uint64_t v)
{
	v = htole64(v);
	bytes_put(b, &v, sizeof(v));
}

void bytes_put_i64(struct bytes *b, int64_t v)
{
	bytes_put_u64(b, (uint64_t)v);
}

void bytes_put_text(struct bytes *b, const char *text)
{
	if (!text)
		text = "";
	bytes_put_blob(b, text, strlen(text) + 1);
}

void bytes_put_blob(struct bytes *b, const void *at, size_t len)
{
	if (len > UINT32_MAX) {
		b->failed = true;
		return;
	}
	bytes_put_u32(b, (uint32_t)len);
	bytes_put(b, at, len);
}

static void set(struct bytes *b, size_t offset, const void *at, size_t size)
{
	if (b->failed)
		return;
	if (offset > b->len || b->len - offset < size) {
		b->failed = true;
		return;
	}
	memcpy(b->at + offset, at, size);
}

void bytes_set_u32(struct bytes *b, size_t offset, uint32_t v)
{
	v = htole32(v);
	set(b, offset, &v, sizeof(v));
}

void bytes_set_u64(struct bytes *b, size_t offset, uint64_t v)
{
	v = htole64(v);
	set(b, offset, &v, sizeof(v));
}

void bytes_clear(struct bytes *b)
{
	b->len = 0;
	b->failed = false;
}

void bytes_release(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){0};
}

struct span bytes_span(const struct bytes *b)
{
	return (struct span){b->at ? b->at : (const void *)"", b->len};
}

struct reader reader_of(const void *at, size_t len)
{
	const unsigned char *first = at ? at : (const void *)"";

	return (struct reader){first, first + (at ? len : 0), false};
}

const void *reader_take(struct reader *r, size_t len)
{
	const unsigned char *at = r->at;

	if (r->failed || (size_t)(r->end - r->at) < len) {
		r->failed = true;
		r->at = r->end;
		return NULL;
	}
	r->at += len;
	return at;
}

static void take(struct reader *r, void *to, size_t size)
{
	const void *at = reader_take(r, size);

	if (at)
		memcpy(to, at, size);
	else
		memset(to, 0, size);
}

uint8_t reader_u8(struct reader *r)
{
	uint8_t v;

	take(r, &v, sizeof(v));
	return v;
}

uint32_t reader_u32(struct reader *r)
{
	uint32_t v;

	take(r, &v, sizeof(v));
	return le32toh(v);
}

uint64_t reader_u64(struct reader *r)
{
	uint64_t v;

	take(r, &v, sizeof(v));
	return le64toh(v);
}

int64_t reader_i64(struct reader *r)
{
	return (int64_t)reader_u64(r);
}

struct span reader_blob(struct reader *r)
{
	size_t len = reader_u32(r);
	const void *at = reader_take(r, len);

	return at ? (struct span){at, len} : (struct span){"", 0};
}

const char *reader_text(struct reader *r)
{
	struct span blob = reader_blob(r);
	const char *text = blob.at;

	if (r->failed)
		return "";
	if (blob.len == 0 || memchr(text, '\0', blob.len) != text + blob.len - 1) {
		r->failed = true;
		r->at = r->end;
		return "";
	}
	return text;
}

bool reader_done(const struct reader *r)
{
	return !r->failed && r->at == r->end;
}

void be64_store(unsigned char at[8], uint64_t v)
{
	v = htobe64(v);
	memcpy(at, &v, sizeof(v));
}

uint64_t be64_load(const unsigned char at[8])
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return be64toh(v);
}

uint64_t bytes_hash(const void *at, size_t len)
{
	return XXH3_64bits(at, len);
}

uint64_t bytes_hash_seeded(const void *at, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(at, len, seed);
}
