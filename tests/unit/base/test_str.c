/* SPDX-License-Identifier: ISC */
/* Strings: the buffer, the packed list, scrubbing, numbers. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/str.h"

static void test_buffer(void **state)
{
	struct strbuf s = {0};
	char want[4001];

	(void)state;
	assert_string_equal(strbuf_text(&s), "");
	strbuf_clear(&s);
	strbuf_puts(&s, "ab");
	strbuf_putc(&s, 'c');
	strbuf_add(&s, "defg", 2);
	strbuf_add(&s, NULL, 0);
	strbuf_printf(&s, "-%d-%s", 12, "x");
	assert_string_equal(s.text, "abcde-12-x");
	assert_int_equal(s.len, 10);
	strbuf_clear(&s);
	assert_string_equal(s.text, "");
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&s, "%04d", i);
	for (int i = 0; i < 4000; i++)
		want[i] = (char)('0' + i / 4 / (int[]){1000, 100, 10, 1}[i % 4] % 10);
	want[4000] = '\0';
	assert_string_equal(s.text, want);
	assert_false(s.failed);
	strbuf_release(&s);
	assert_null(s.text);
}

/* There is always room for the NUL, at any length. */
static void test_buffer_of_any_length(void **state)
{
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 0; len < sizeof(text); len++) {
		struct strbuf s = {0};

		strbuf_add(&s, text, len);
		assert_int_equal(strlen(s.text), len);
		assert_true(s.cap > s.len);
		strbuf_release(&s);
		strbuf_printf(&s, "%.*s", (int)len, text);
		assert_true(s.cap > s.len);
		strbuf_release(&s);
	}
}

static void test_buffer_failure_is_sticky(void **state)
{
	struct strbuf s = {0};

	(void)state;
	strbuf_puts(&s, "kept");
	strbuf_add(&s, "", SIZE_MAX / 2);
	assert_true(s.failed);
	strbuf_puts(&s, "no more");
	strbuf_printf(&s, "%d", 1);
	strlist_push(&s, "x", 1);
	assert_string_equal(s.text, "kept");
	strbuf_release(&s);
}

static void test_list(void **state)
{
	static const char *const want[] = {"one", "", "three"};
	struct strbuf packed = {0};
	struct strlist list = strlist_of(&packed);
	size_t i = 0;

	(void)state;
	assert_int_equal(list.count, 0);
	strlist_each (none, &list)
		fail();
	strlist_push(&packed, "one and more", 3);
	strlist_push(&packed, NULL, 0);
	strlist_push(&packed, "three\0four", 10);
	list = strlist_of(&packed);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.bytes, 11);
	strlist_each (item, &list)
		assert_string_equal(item, want[i++]);
	assert_int_equal(i, 3);
	strbuf_release(&packed);
}

static void test_list_view(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
		uint32_t count;
		int want;
	} cases[] = {
	    {"empty", "", 0, 0, 0},
	    {"two", "a\0b", 4, 2, 0},
	    {"an empty string", "", 1, 1, 0},
	    {"count without bytes", "", 0, 1, ERR_SYNTAX},
	    {"bytes without count", "a", 2, 0, ERR_SYNTAX},
	    {"not terminated", "a\0b", 3, 2, ERR_SYNTAX},
	    {"fewer", "a", 2, 2, ERR_SYNTAX},
	    {"more", "a\0b", 4, 1, ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strlist list;
		uint32_t seen = 0;
		int code = strlist_view(cases[i].bytes, cases[i].len, cases[i].count, &list);

		case_assert(cases[i].name, code == cases[i].want);
		if (code < 0)
			continue;
		strlist_each (item, &list)
			seen += item != NULL;
		case_assert(cases[i].name, seen == cases[i].count);
	}
}

static void test_scrub(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		size_t size;
		const char *want;
	} cases[] = {
	    {"plain", "hello", 64, "hello"},
	    {"empty", "", 64, ""},
	    {"C0", "a\tb\r\nc\x01", 64, "a?b??c?"},
	    {"escape sequence", "\x1b[31mred", 64, "?[31mred"},
	    {"DEL", "a\x7f", 64, "a?"},
	    {"UTF-8 is kept", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\xa7", 64,
		"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\xa7"},
	    {"C1 as UTF-8",
		"a\xc2\x9b"
		"31m",
		64, "a?31m"},
	    {"C1 as a byte",
		"a\x9b"
		"31m",
		64, "a?31m"},
	    {"first after C1", "\xc2\xa0", 64, "\xc2\xa0"},
	    {"line separator",
		"a\xe2\x80\xa8"
		"b",
		64, "a?b"},
	    {"right to left override",
		"a\xe2\x80\xae"
		"b",
		64, "a?b"},
	    {"isolate",
		"a\xe2\x81\xa6"
		"b",
		64, "a?b"},
	    {"zero width",
		"a\xe2\x80\x8b"
		"b\xef\xbb\xbf"
		"c\xc2\xad",
		64, "a?b?c?"},
	    {"joiner of graphemes, fillers",
		"a\xcd\x8f"
		"b\xe1\x85\x9f"
		"c\xe3\x85\xa4"
		"d\xef\xbe\xa0",
		64, "a?b?c?d?"},
	    {"vowel separator, never assigned",
		"a\xe1\xa0\x8f"
		"b\xf3\xa0\xbf\xbf",
		64, "a?b?"},
	    {"emoji", "\xe2\x9d\xa4\xef\xb8\x8f", 64, "\xe2\x9d\xa4\xef\xb8\x8f"},
	    {"tag character",
		"a\xf3\xa0\x81\x81"
		"b",
		64, "a?b"},
	    {"stray continuation", "\x80\xbf", 64, "??"},
	    {"overlong slash", "\xc0\xaf", 64, "??"},
	    {"overlong of three", "\xe0\x80\xaf", 64, "???"},
	    {"surrogate", "\xed\xa0\x80", 64, "???"},
	    {"past the last", "\xf4\x90\x80\x80", 64, "????"},
	    {"the last", "\xf4\x8f\xbf\xbf", 64, "\xf4\x8f\xbf\xbf"},
	    {"cut short at the end", "a\xe2\x82", 64, "a??"},
	    {"lead then ASCII",
		"\xc3"
		"a",
		64, "?a"},
	    {"cut", "abcdef", 4, "abc"},
	    {"cut before a character", "ab\xe2\x82\xac", 5, "ab"},
	    {"exact fit", "ab\xe2\x82\xac", 6, "ab\xe2\x82\xac"},
	    {"no room", "abc", 1, ""},
	};
	char buf[64], same[] = "x\ny\xc2\x85\xc3\xbc";

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		memset(buf, '#', sizeof(buf));
		case_assert_text(
		    cases[i].name, str_scrub(buf, cases[i].size, cases[i].text), cases[i].want);
	}
	assert_string_equal(str_scrub(same, sizeof(same), same), "x?y?\xc3\xbc");
	buf[0] = '#';
	str_scrub(buf, 0, "abc");
	assert_int_equal(buf[0], '#');
}

static void test_case(void **state)
{
	char text[] = "ABZ[@`az\xc4";

	(void)state;
	str_lower_all(text, strlen(text));
	assert_string_equal(text, "abz[@`az\xc4");
	assert_true(str_equal_nocase("", ""));
	assert_true(str_equal_nocase("aBc", "AbC"));
	assert_false(str_equal_nocase("abc", "abcd"));
	assert_false(str_equal_nocase("abcd", "abc"));
	assert_false(str_equal_nocase("[", "{"));
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("ab", "abc"));
	assert_true(str_starts_nocase("MESSAGE-ID: x", "Message-id"));
	assert_true(str_starts_nocase("x", ""));
	assert_false(str_starts_nocase("mes", "Message-ID"));
	assert_false(str_starts_nocase("", "x"));
}

static void test_parse_u64(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		uint64_t min, max;
		int want;
		uint64_t value;
	} cases[] = {
	    {"zero", "0", 0, 10, 0, 0},
	    {"leading zeros", "007", 0, 10, 0, 7},
	    {"the largest", "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
	    {"one more", "18446744073709551616", 0, UINT64_MAX, ERR_SYNTAX, 0},
	    {"far more", "99999999999999999999999", 0, UINT64_MAX, ERR_SYNTAX, 0},
	    {"below", "4", 5, 10, ERR_SYNTAX, 0},
	    {"lowest", "5", 5, 10, 0, 5},
	    {"highest", "10", 5, 10, 0, 10},
	    {"above", "11", 5, 10, ERR_SYNTAX, 0},
	    {"empty", "", 0, 10, ERR_SYNTAX, 0},
	    {"sign", "-1", 0, UINT64_MAX, ERR_SYNTAX, 0},
	    {"plus", "+1", 0, 10, ERR_SYNTAX, 0},
	    {"space", " 1", 0, 10, ERR_SYNTAX, 0},
	    {"trailing", "1x", 0, 10, ERR_SYNTAX, 0},
	    {"hexadecimal", "0x1", 0, 10, ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t got = 0;
		int code = str_parse_u64(cases[i].text, cases[i].min, cases[i].max, &got);

		case_assert(cases[i].name, code == cases[i].want);
		case_assert(cases[i].name, got == cases[i].value);
	}
}

static void test_parse_size(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		int want;
		uint64_t value;
	} cases[] = {
	    {"bytes", "100", 0, 100},
	    {"k", "512k", 0, 512 * 1024},
	    {"K", "1K", 0, 1024},
	    {"M", "3M", 0, 3 << 20},
	    {"m", "3m", 0, 3 << 20},
	    {"G", "2G", 0, UINT64_C(2) << 30},
	    {"T", "1t", 0, UINT64_C(1) << 40},
	    {"largest", "16777215T", 0, UINT64_C(16777215) << 40},
	    {"overflow", "16777216T", ERR_SYNTAX, 0},
	    {"empty", "", ERR_SYNTAX, 0},
	    {"unit alone", "G", ERR_SYNTAX, 0},
	    {"two units", "1kk", ERR_SYNTAX, 0},
	    {"long unit", "1kB", ERR_SYNTAX, 0},
	    {"unknown unit", "1x", ERR_SYNTAX, 0},
	    {"fraction", "1.5G", ERR_SYNTAX, 0},
	    {"negative", "-1k", ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t got = 0;
		int code = str_parse_size(cases[i].text, &got);

		case_assert(cases[i].name, code == cases[i].want);
		case_assert(cases[i].name, got == cases[i].value);
	}
}

static void test_size_text(void **state)
{
	static const struct {
		const char *name;
		uint64_t bytes;
		const char *want;
	} cases[] = {
	    {"zero", 0, "0 B"},
	    {"bytes", 1023, "1023 B"},
	    {"one k", 1024, "1.0 kB"},
	    {"one and a half", 1536, "1.5 kB"},
	    {"below one M", 1024 * 1024 - 1, "1.0 MB"},
	    {"M", 1258291, "1.2 MB"},
	    {"G", UINT64_C(2) << 30, "2.0 GB"},
	    {"the largest", UINT64_MAX, "16.0 EB"},
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		case_assert_text(
		    cases[i].name, str_size_text(cases[i].bytes, buf, sizeof(buf)), cases[i].want);
}

UNIT_MAIN(cmocka_unit_test(test_buffer), cmocka_unit_test(test_buffer_of_any_length),
    cmocka_unit_test(test_buffer_failure_is_sticky), cmocka_unit_test(test_list),
    cmocka_unit_test(test_list_view), cmocka_unit_test(test_scrub), cmocka_unit_test(test_case),
    cmocka_unit_test(test_parse_u64), cmocka_unit_test(test_parse_size),
    cmocka_unit_test(test_size_text))
