/* SPDX-License-Identifier: ISC */
/* Encodes and decodes records, requests, and the output of children. Integers are little-endian,
 * texts and blobs a u32 length and their bytes. After the first failure `failed` is set, writes do
 * nothing and reads return zero. */
#pragma once

#include "base/base.h"

struct span {
	const void *at;
	size_t len;
};

struct bytes {
	unsigned char *at;
	size_t len, cap;
	bool failed;
};
void bytes_put(struct bytes *b, const void *at, size_t len);
/* Makes room for len more bytes that will be written. The kernel provides their pages at once,
 * which costs less than a fault for each. */
void bytes_ready(struct bytes *b, size_t len);
void bytes_put_u8(struct bytes *b, uint8_t v);
void bytes_put_u16(struct bytes *b, uint16_t v);
void bytes_put_u32(struct bytes *b, uint32_t v);
void bytes_put_u64(struct bytes *b, uint64_t v);
void bytes_put_i64(struct bytes *b, int64_t v);
void bytes_put_text(struct bytes *b, const char *text); /* includes its NUL; NULL writes "" */
void bytes_put_blob(struct bytes *b, const void *at, size_t len);
void bytes_set_u32(struct bytes *b, size_t offset, uint32_t v);
void bytes_set_u64(struct bytes *b, size_t offset, uint64_t v);
void bytes_clear(struct bytes *b);
void bytes_release(struct bytes *b);
struct span bytes_span(const struct bytes *b);

/* Input that somebody else owns. */
struct reader {
	const unsigned char *at, *end;
	bool failed;
};
struct reader reader_of(const void *at, size_t len);
uint8_t reader_u8(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
int64_t reader_i64(struct reader *r);
const char *reader_text(struct reader *r); /* one NUL, at its end; in the input; "" on failure */
struct span reader_blob(struct reader *r);
const void *reader_take(struct reader *r, size_t len); /* NULL on failure */
bool reader_done(const struct reader *r);              /* everything was read, without a failure */

/* Big-endian, so that keys sort by number. */
void be64_store(unsigned char at[8], uint64_t v);
uint64_t be64_load(const unsigned char at[8]);

/* The 64-bit checksum of stored bytes: XXH3, which is stable since xxHash 0.8. */
uint64_t bytes_hash(const void *at, size_t len);
/* With a random seed, strangers who choose the keys cannot aim at a slot. */
uint64_t bytes_hash_seeded(const void *at, size_t len, uint64_t seed);
