/* SPDX-License-Identifier: ISC */
/*
 * Bytes out and in: the layout is fixed, values come back, and a short input fails once and for
 * all.
 */
#include "tests/unit/unit.h"

#include "base/bytes.h"

static void test_layout(void **state)
{
	static const unsigned char want[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0xfe, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0, 'a', 'b', 0, 1, 0, 0, 0, 0};
	struct bytes b = {0};

	(void)state;
	bytes_put_u8(&b, 1);
	bytes_put_u16(&b, 0x0203);
	bytes_put_u32(&b, 0x04050607);
	bytes_put_i64(&b, -2);
	bytes_put_text(&b, "ab");
	bytes_put_text(&b, NULL);
	assert_false(b.failed);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.at, want, sizeof(want));
	bytes_release(&b);
	assert_null(b.at);
}

static void test_round_trip(void **state)
{
	struct bytes b = {0};
	struct reader r;
	struct span blob;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		bytes_put_u64(&b, i * UINT64_C(0x0123456789abcdef));
		bytes_put_blob(&b, "\0x\0", 3);
		bytes_put_text(&b, "text");
		bytes_put_i64(&b, INT64_MIN);
		bytes_put_u8(&b, 255);
		bytes_put_u16(&b, 65535);
	}
	r = reader_of(b.at, b.len);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(reader_u64(&r), i * UINT64_C(0x0123456789abcdef));
		blob = reader_blob(&r);
		assert_int_equal(blob.len, 3);
		assert_memory_equal(blob.at, "\0x\0", 3);
		assert_string_equal(reader_text(&r), "text");
		assert_true(reader_i64(&r) == INT64_MIN);
		assert_int_equal(reader_u8(&r), 255);
		assert_false(reader_done(&r));
		assert_memory_equal(reader_take(&r, 2), "\xff\xff", 2);
	}
	assert_true(reader_done(&r));
	bytes_release(&b);
}

/*
 * Every prefix of a valid input fails, gives zeros and never reads past its end (the copy has
 * exactly that size, for ASan).
 */
static void test_every_prefix_fails(void **state)
{
	struct bytes b = {0};

	(void)state;
	bytes_put_u32(&b, 7);
	bytes_put_text(&b, "hello");
	bytes_put_u64(&b, 9);
	for (size_t len = 0; len < b.len; len++) {
		unsigned char *part = malloc(len ? len : 1);
		struct reader r;
		const char *text;

		assert_non_null(part);
		memcpy(part, b.at, len);
		r = reader_of(part, len);
		reader_u32(&r);
		text = reader_text(&r);
		assert_true(strcmp(text, "") == 0 || strcmp(text, "hello") == 0);
		assert_int_equal(reader_u64(&r), 0);
		assert_true(r.failed);
		assert_false(reader_done(&r));
		free(part);
	}
	bytes_release(&b);
}

static void test_failure_is_sticky(void **state)
{
	static const unsigned char input[] = {200, 0, 0, 0, 'x', 0, 0, 0, 0};
	struct reader r = reader_of(input, sizeof(input));

	(void)state;
	assert_string_equal(reader_text(&r), ""); /* says 200 bytes, has 5 */
	assert_true(r.failed);
	assert_int_equal(reader_u8(&r), 0);
	assert_null(reader_take(&r, 0));
	assert_int_equal(reader_blob(&r).len, 0);
	assert_non_null(reader_blob(&r).at);
}

static void test_text_must_be_terminated(void **state)
{
	static const struct {
		const char *name;
		const char *input;
		size_t len;
	} cases[] = {
	    {"no NUL", "\2\0\0\0ab", 6},
	    {"empty without NUL", "\0\0\0\0", 4},
	    {"NUL inside", "\3\0\0\0a\0\0", 7},
	    {"huge length", "\377\377\377\377ab", 6},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct reader r = reader_of(cases[i].input, cases[i].len);

		case_assert_text(cases[i].name, reader_text(&r), "");
		case_assert(cases[i].name, r.failed);
	}
}

static void test_empty_input(void **state)
{
	struct reader r = reader_of(NULL, 0);
	struct bytes b = {0};

	(void)state;
	assert_true(reader_done(&r));
	assert_int_equal(reader_u8(&r), 0);
	assert_false(reader_done(&r));
	assert_non_null(bytes_span(&b).at);
	assert_int_equal(bytes_span(&b).len, 0);
	bytes_put(&b, NULL, 0);
	assert_false(b.failed);
}

static void test_patch(void **state)
{
	struct bytes b = {0};
	struct reader r;

	(void)state;
	bytes_put_u32(&b, 0);
	bytes_put_u64(&b, 0);
	bytes_set_u32(&b, 0, 0xdeadbeef);
	bytes_set_u64(&b, 4, 77);
	r = reader_of(b.at, b.len);
	assert_int_equal(reader_u32(&r), 0xdeadbeef);
	assert_int_equal(reader_u64(&r), 77);
	bytes_set_u32(&b, 9, 1); /* one byte past the end */
	assert_true(b.failed);
	bytes_clear(&b);
	assert_false(b.failed);
	bytes_set_u64(&b, SIZE_MAX, 1);
	assert_true(b.failed);
	bytes_release(&b);
}

static void test_full_is_sticky(void **state)
{
	struct bytes b = {0};

	(void)state;
	bytes_put_u8(&b, 1);
	bytes_put_blob(&b, "", (size_t)UINT32_MAX + 1);
	assert_true(b.failed);
	bytes_put_u8(&b, 2);
	assert_int_equal(b.len, 1);
	bytes_release(&b);
}

static void test_big_endian_sorts(void **state)
{
	static const uint64_t values[] = {
	    0, 1, 255, 256, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
	unsigned char before[8], after[8];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		be64_store(after, values[i]);
		assert_true(be64_load(after) == values[i]);
		if (i > 0)
			assert_true(memcmp(before, after, 8) < 0);
		memcpy(before, after, 8);
	}
}

/* Every index stores these values, so a change of library or call must not alter them. */
static void test_hash_is_stable(void **state)
{
	(void)state;
	assert_true(bytes_hash("", 0) == UINT64_C(0x2d06800538d394c2));
	assert_true(bytes_hash("a", 1) == UINT64_C(0xe6c632b61e964e1f));
	assert_true(bytes_hash("abc", 3) == UINT64_C(0x78af5f94892f3950));
}

/* Names chosen to share a slot do not share it under a seed. */
static void test_seed(void **state)
{
	enum { SLOTS = 1024, CHOSEN = 64 };
	bool used[SLOTS] = {false};
	unsigned chosen = 0, slots = 0;
	char name[32];

	(void)state;
	for (unsigned n = 0; chosen < CHOSEN; n++) {
		int len = snprintf(name, sizeof(name), "n%u.host.test", n);

		if (bytes_hash(name, (size_t)len) % SLOTS != 0)
			continue;
		bool *slot = &used[bytes_hash_seeded(name, (size_t)len, 12345) % SLOTS];
		slots += !*slot;
		*slot = true;
		chosen++;
	}
	assert_true(slots >= CHOSEN / 2 && slots <= CHOSEN);
}

UNIT_MAIN(cmocka_unit_test(test_layout), cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_every_prefix_fails), cmocka_unit_test(test_failure_is_sticky),
    cmocka_unit_test(test_text_must_be_terminated), cmocka_unit_test(test_empty_input),
    cmocka_unit_test(test_patch), cmocka_unit_test(test_full_is_sticky),
    cmocka_unit_test(test_big_endian_sorts), cmocka_unit_test(test_hash_is_stable),
    cmocka_unit_test(test_seed))
