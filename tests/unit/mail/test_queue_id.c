/* SPDX-License-Identifier: ISC */
/* Queue IDs: accepted, refused, and what they contain. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "mail/queue_id.h"

static const struct {
	const char *name, *id;
	bool is_long;
	int64_t time;
	uint32_t usec;
	uint64_t inode;
} good_cases[] = {
    {"long", "3Pt2mN2VXxznjll", true, INT64_C(1300631508353025), 353025, 5536956},
    {"long, smallest inode", "4dFVrw0000z1", true, INT64_C(1764000000000000), 0, 1},
    {"long, largest usec", "4dFVrw75plz1p3V6", true, INT64_C(1764000000999999), 999999, 12345678},
    {"long, 'z' in the time", "4dFVrw000zz10", true, INT64_C(1764000000000051), 51, 51},
    {"long, largest inode", "4dFVrw0000z31wvQ2DWVjm0", true, INT64_C(1764000000000000), 0,
	UINT64_MAX},
    {"long, seven digits of seconds", "10000000000z1", true, INT64_C(19770609664000000), 0, 1},
    {"short", "A1B2C123456", false, -1, 662316, 0x123456},
    {"short, smallest", "000001", false, -1, 0, 1},
    {"short, largest usec", "F423F1", false, -1, 999999, 1},
    {"short, largest inode", "00000FFFFFFFFFFFFFFFF", false, -1, 0, UINT64_MAX},
    {"short, digits alone", "12345678901", false, -1, 0x12345, 0x678901},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good_cases); i++) {
		const char *name = good_cases[i].name, *text = good_cases[i].id;
		struct queue_id_parts parts;
		struct queue_id id;

		case_assert(name, queue_id_parse(text, strlen(text), &id) == 0);
		case_assert_text(name, id.text, text);
		queue_id_split(&id, &parts);
		case_assert(name, parts.is_long == good_cases[i].is_long);
		case_assert(name, parts.time == good_cases[i].time);
		case_assert(name, parts.usec == good_cases[i].usec);
		case_assert(name, parts.inode == good_cases[i].inode);
	}
}

static const struct {
	const char *name, *text;
} bad_cases[] = {
    {"empty", ""},
    {"CR", "A1B2C123456\r"},
    {"LF", "A1B2C123456\n"},
    {"space behind", "A1B2C123456 "},
    {"space in front", " A1B2C123456"},
    {"space inside", "A1B2C 23456"},
    {"lower-case hex", "a1b2c123456"},
    {"one lower-case digit", "A1B2C12345f"},
    {"parent directory", ".."},
    {"path", "../../etc/passwd"},
    {"slash", "A/A1B2C1234"},
    {"ALL", "ALL"},
    {"option", "-d"},
    {"dash", "-"},
    {"star", "A1B2C123456*"},
    {"bang", "A1B2C123456!"},
    {"short without inode", "A1B2C"},
    {"short, inode 0", "A1B2C0"},
    {"short, inode with a leading zero", "A1B2C0123456"},
    {"short, usec past a second", "F4240123"},
    {"short, inode of 17 digits", "A1B2C10000000000000000"},
    {"two short ones glued", "A1B2C123456A1B2C123456"},
    {"two long ones glued", "4dFVrw75plz1p3V64dFVrw75plz1p3V6"},
    {"long and short glued", "4dFVrw0000z1A1B2C12"},
    {"32 characters", "11111111111111111111111111111111"},
    {"vowel in long", "4dFVrw00a0z1"},
    {"vowel in the inode", "4dFVrw0000z1e"},
    {"long without inode", "4dFVrw0000z"},
    {"long, inode 0", "4dFVrw0000z0"},
    {"long, inode with a leading zero", "4dFVrw0000z01"},
    {"long, usec past a second", "4dFVrw75pmz1"},
    {"long, time too short", "4dFVr0000z1"},
    {"long, leading zero in seven digits", "04dFVrw0000z1"},
    {"long, separator missing", "4dFVrw00001p3V6"},
    {"long, inode past 64 bits", "4dFVrw0000z31wvQ2DWVjm1"},
    {"long, seconds past 64 bits", "yyyyyyyyyyyyyyy0000z1"},
    {"long, underscore", "4dFVrw0000z1_"},
    {"UTF-8", "A1B2C12345\xc3\x84"},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad_cases); i++) {
		struct queue_id id = {.text = "untouched"};
		int code = queue_id_parse(bad_cases[i].text, strlen(bad_cases[i].text), &id);

		case_assert(bad_cases[i].name, code == ERR_SYNTAX);
		case_assert_text(bad_cases[i].name, id.text, "untouched");
	}
}

static void test_length_counts(void **state)
{
	struct queue_id id;

	(void)state;
	assert_int_equal(queue_id_parse("A1B2C123456\0", 12, &id), ERR_SYNTAX);
	assert_int_equal(queue_id_parse("A1B2C\0", 7, &id), ERR_SYNTAX);
	assert_int_equal(queue_id_parse("A1B2C123456 trailing", 11, &id), 0);
	assert_string_equal(id.text, "A1B2C123456");
}

/* ---- packed */

static const struct {
	const char *name, *id;
	uint64_t time, inode;
} packed_cases[] = {
    {"short, smallest", "000001", 0, 1},
    {"short", "A1B2C123456", 662316, 0x123456},
    {"short, largest", "F423FFFFFFFFFFFFFFFFF", 999999, UINT64_MAX},
    {"long, smallest", "0000000000z1", UINT64_C(1) << 61, 1},
    {"long", "3Pt2mN2VXxznjll",
	(UINT64_C(1) << 61) + (UINT64_C(1300631508) << 20) + UINT64_C(353025), 5536956},
};

static void test_packed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(packed_cases); i++) {
		const char *name = packed_cases[i].name;
		struct queue_id id, back;
		struct packed_id packed;

		case_assert(
		    name, queue_id_parse(packed_cases[i].id, strlen(packed_cases[i].id), &id) == 0);
		case_assert(name, queue_id_pack(&id, &packed) == 0);
		case_assert(name, packed.time == packed_cases[i].time);
		case_assert(name, packed.inode == packed_cases[i].inode);
		packed.time |= PACKED_ID_FLAG_A;
		case_assert(name, queue_id_unpack(&packed, &back) == 0);
		case_assert_text(name, back.text, id.text);
		packed.time ^= PACKED_ID_FLAGS;
		case_assert(name, queue_id_unpack(&packed, &back) == 0);
		case_assert_text(name, back.text, id.text);
	}
}

static void test_good_packed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good_cases); i++) {
		struct queue_id id, back;
		struct packed_id packed;

		assert_int_equal(
		    queue_id_parse(good_cases[i].id, strlen(good_cases[i].id), &id), 0);
		case_assert(good_cases[i].name, queue_id_pack(&id, &packed) == 0);
		case_assert(good_cases[i].name, queue_id_unpack(&packed, &back) == 0);
		case_assert_text(good_cases[i].name, back.text, id.text);
	}
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* A value that unpacks is an ID that packs to it again, so no two IDs share a value. */
static void test_random_packed(void **state)
{
	uint64_t seed = 88172645463325252U;

	(void)state;
	for (unsigned n = 0; n < 300000; n++) {
		bool is_long = n % 2;
		uint64_t usec = next_random(&seed) % 1000000, seconds = next_random(&seed);
		struct packed_id packed = {.inode = next_random(&seed)}, again;
		struct queue_id id, parsed;

		seconds >>= 23 + n % 41; /* of all lengths, up to 41 bits */
		packed.inode >>= n % 64;
		packed.time = (is_long ? UINT64_C(1) << 61 | seconds << 20 : 0) | usec;
		packed.inode += packed.inode == 0;
		assert_int_equal(queue_id_unpack(&packed, &id), 0);
		assert_int_equal(queue_id_parse(id.text, strlen(id.text), &parsed), 0);
		assert_int_equal(queue_id_pack(&id, &again), 0);
		assert_true(again.time == packed.time && again.inode == packed.inode);
	}
}

static void test_bad_packed(void **state)
{
	static const struct {
		const char *name;
		struct packed_id packed;
	} cases[] = {
	    {"inode 0", {.time = 5, .inode = 0}},
	    {"microseconds past a second", {.time = 1000000, .inode = 1}},
	    {"short with seconds", {.time = UINT64_C(1) << 20, .inode = 1}},
	};
	struct queue_id id = {.text = "untouched"};
	struct packed_id packed = {.time = 7};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		case_assert(cases[i].name, queue_id_unpack(&cases[i].packed, &id) == ERR_SYNTAX);
		case_assert_text(cases[i].name, id.text, "untouched");
	}
	assert_int_equal(queue_id_parse("300000000000z1", 14, &id), 0); /* 3 * 52^7 s */
	assert_int_equal(queue_id_pack(&id, &packed), ERR_LIMIT);
	assert_int_equal(packed.time, 7);
}

static void test_equal(void **state)
{
	struct queue_id a, b;

	(void)state;
	assert_int_equal(queue_id_parse("4dFVrw0000z1", 12, &a), 0);
	assert_int_equal(queue_id_parse("4dFVrW0000z1", 12, &b), 0);
	assert_true(queue_id_equal(&a, &a));
	assert_false(queue_id_equal(&a, &b));
}

UNIT_MAIN(cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
    cmocka_unit_test(test_length_counts), cmocka_unit_test(test_equal),
    cmocka_unit_test(test_packed), cmocka_unit_test(test_good_packed),
    cmocka_unit_test(test_random_packed), cmocka_unit_test(test_bad_packed))
