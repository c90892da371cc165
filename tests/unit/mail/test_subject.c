/* SPDX-License-Identifier: ISC */
/* The form of a Subject, and a selector's answer about it. */
#include "mail/selector/selector.h"
#include "mail/subject.h"
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <iconv.h>

static void test_forms(void **state)
{
	static const struct {
		const char *name, *value, *want;
	} cases[] = {
	    {"plain", "Hello", "Hello"},
	    {"empty", "", ""},
	    {"blanks", "  a \t b\r\n  c ", "a b c"},
	    {"controls", "a\x1b[1m\x07z\x7f", "a [1m z"},
	    {"not UTF-8", "a\xff\xc3z", "a??z"},
	    {"UTF-8", "f\xc3\xbcr", "f\xc3\xbcr"},
	    {"Unicode's blanks", "a\xc2\xa0\xe3\x80\x80z", "a z"},
	    {"line separators", "a\xe2\x80\xa8z\xc2\x85z", "a z z"},
	    {"not shown", "a\xe2\x80\x8b\xc2\xadz\xe2\x80\xae", "az"},
	    {"Q", "=?utf-8?Q?f=C3=BCr_alle?=", "f\xc3\xbcr alle"},
	    {"Q, small letters", "=?UTF-8?q?f=c3=bcr?=", "f\xc3\xbcr"},
	    {"Q, no digits", "=?utf-8?q?a=zz=4?=", "a=zz=4"},
	    {"B", "=?utf-8?B?ZsO8cg==?=", "f\xc3\xbcr"},
	    {"B without its end", "=?utf-8?b?ZsO8cg?=", "f\xc3\xbcr"},
	    {"B with what is not of it", "=?utf-8?b?Zs O8\r\n c-g==?=", "f\xc3\xbcr"},
	    {"Latin 1", "=?ISO-8859-1?Q?f=FCr?=", "f\xc3\xbcr"},
	    {"a language", "=?iso-8859-1*de?Q?f=FCr?=", "f\xc3\xbcr"},
	    {"KOI8-R", "=?koi8-r?B?896j1A==?=", "\xd0\xa1\xd1\x87\xd1\x91\xd1\x82"},
	    {"what a charset lacks", "=?windows-1252?Q?a=81z?=", "a?z"},
	    {"two words", "=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
	    {"two words, folded", "=?utf-8?Q?a?=\r\n\t=?utf-8?B?Yg==?=", "ab"},
	    {"two words side by side", "=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"},
	    {"two charsets", "=?utf-8?Q?a?= =?iso-8859-1?Q?=FC?=", "a\xc3\xbc"},
	    {"a character in two words", "=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "\xc3\xbc"},
	    {"half a character and a charset", "=?utf-8?Q?=C3?= =?us-ascii?Q?=BC?=", "??"},
	    {"text between", "=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"},
	    {"text around", "Re: =?utf-8?Q?a?=.", "Re: a."},
	    {"within a word", "x=?utf-8?Q?a?=y", "xay"},
	    {"blanks inside", "=?utf-8?Q?a b?=", "a b"},
	    {"blanks at its ends", "=?utf-8?Q?_a_?= x", "a x"},
	    {"unknown charset", "=?x-none?Q?a?=", "=?x-none?Q?a?="},
	    {"unsafe charset", "=?utf-7?Q?+AG0-?=", "=?utf-7?Q?+AG0-?="},
	    {"unknown encoding", "=?utf-8?X?a?=", "=?utf-8?X?a?="},
	    {"no end", "=?utf-8?Q?a", "=?utf-8?Q?a"},
	    {"no text", "=?utf-8?Q", "=?utf-8?Q"},
	    {"only a start", "=?", "=?"},
	    {"only =", "=", "="},
	    {"no charset", "=??Q?a?=", "=??Q?a?="},
	    {"nothing in it", "a =?utf-8?Q?\?= b", "a b"},
	    {"a long charset", "=?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx?Q?a?=",
		"=?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx?Q?a?="},
	    {"controls in it", "=?utf-8?Q?a=00=0A=1Bz?=", "a z"},
	    {"words in words", "=?utf-8?Q?=3D?=?utf-8?Q?a?=", "=?utf-8?Q?a?="},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strbuf out = {0};

		case_assert(
		    cases[i].name, !subject_normal(cases[i].value, strlen(cases[i].value), &out));
		case_assert_text(cases[i].name, strbuf_text(&out), cases[i].want);
		strbuf_release(&out);
	}
}

static void test_bound(void **state)
{
	static char text[3 * SUBJECT_MAX];
	struct strbuf out = {0};

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_false(subject_normal(text, SUBJECT_MAX, &out));
	assert_int_equal(out.len, SUBJECT_MAX);
	strbuf_clear(&out);
	assert_true(subject_normal(text, SUBJECT_MAX + 1, &out));
	assert_int_equal(out.len, SUBJECT_MAX);
	/* Ignored characters take no room; no character is cut in two. */
	memset(text, ' ', SUBJECT_MAX);
	strbuf_clear(&out);
	assert_false(subject_normal(text, 2 * SUBJECT_MAX, &out));
	assert_int_equal(out.len, SUBJECT_MAX);
	for (size_t n = 0; n < sizeof(text); n++)
		text[n] = "\xe2\x82\xac"[n % 3];
	strbuf_clear(&out);
	assert_true(subject_normal(text, sizeof(text), &out));
	assert_int_equal(out.len, SUBJECT_MAX / 3 * 3);
	assert_true(str_is_utf8(out.text));
	/* After existing text. */
	strbuf_clear(&out);
	strbuf_puts(&out, "before ");
	assert_false(subject_normal(" a", 2, &out));
	assert_string_equal(out.text, "before a");
	strbuf_release(&out);
}

/* ---- without a decoder */

static bool no_converter;
static unsigned converters; /* opened */

iconv_t iconv_open(const char *to, const char *from)
{
	iconv_t (*next)(const char *, const char *) =
	    (iconv_t(*)(const char *, const char *))dlsym(RTLD_NEXT, "iconv_open");

	converters++;
	return no_converter ? (iconv_t)-1 : next(to, from);
}

static void test_no_converter(void **state)
{
	static const char value[] = "a =?iso-8859-1?Q?=FC?= b";
	struct strbuf out = {0};

	(void)state;
	no_converter = true;
	assert_true(subject_normal(value, strlen(value), &out));
	assert_string_equal(strbuf_text(&out), "a");
	no_converter = false;
	strbuf_clear(&out);
	assert_false(subject_normal(value, strlen(value), &out));
	assert_string_equal(strbuf_text(&out), "a \xc3\xbc b");
	strbuf_release(&out);
}

/* Opening a converter takes long, and the sender decides how often a field changes its charset. */
static void test_many_charsets(void **state)
{
	static const char pair[] = "=?iso-8859-1?Q?a?= =?koi8-r?Q?b?= ";
	static const struct {
		unsigned pairs;
		bool cut;
	} cases[] = {{10, false}, {32, false}, {33, true}, {1000, true}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strbuf value = {0}, out = {0};

		for (unsigned n = 0; n < cases[i].pairs; n++)
			strbuf_puts(&value, pair);
		converters = 0;
		assert_true(subject_normal(value.text, value.len, &out) == cases[i].cut);
		assert_true(converters >= 1 && converters <= 64);
		assert_int_equal(out.len, cases[i].cut ? 64 : 2 * cases[i].pairs);
		strbuf_release(&value);
		strbuf_release(&out);
	}
}

static unsigned allocations = UINT_MAX; /* how many succeed before memory is exhausted */

void *reallocarray(void *list, size_t count, size_t size)
{
	if (allocations == 0)
		return NULL;
	allocations -= allocations < UINT_MAX;
	return realloc(list, count * size);
}

/* The result is the beginning of the whole; if it is shorter, it is reported as cut. */
static void test_no_memory(void **state)
{
	static char value[2000];
	struct strbuf whole = {0};
	unsigned most = 0;
	bool cut = true;

	(void)state;
	snprintf(value, sizeof(value),
	    "Re: =?utf-8?Q?a%0300d=C3=BC?= =?iso-8859-1?Q?z%0300d?= %0300d", 1, 2, 3);
	assert_false(subject_normal(value, strlen(value), &whole));
	for (; cut; most++) {
		struct strbuf out = {0};

		allocations = most;
		cut = subject_normal(value, strlen(value), &out);
		allocations = UINT_MAX;
		assert_memory_equal(strbuf_text(&out), whole.text, out.len);
		assert_true(cut || out.len == whole.len);
		strbuf_release(&out);
	}
	assert_true(most >= 5 && most <= 100);
	strbuf_release(&whole);
}

/* ---- the selector's answer */

static void add(struct pattern_set *set, const char *text)
{
	struct pattern p = {0};

	assert_int_equal(pattern_parse(text, &p, NULL), 0);
	assert_int_equal(pattern_set_add(set, &p), 0);
}

static void test_answers(void **state)
{
	static const struct {
		const char *name, *asked, *fields[4];
		unsigned cut; /* bits of fields */
		bool part;    /* the header was not read to its end */
		enum selector_answer want;
		unsigned limits;
	} cases[] = {
	    {"one", "/^a$/", {"a"}, 0, false, SELECTOR_YES, 0},
	    {"another", "/^a$/", {"b"}, 0, false, SELECTOR_NO, 0},
	    {"one of two", "/^a$/", {"b", "a"}, 0, false, SELECTOR_YES, 0},
	    {"none is empty", "/^$/", {NULL}, 0, false, SELECTOR_YES, 0},
	    {"none is nothing else", "/./", {NULL}, 0, false, SELECTOR_NO, 0},
	    {"there is one, and it is not empty", "/^$/", {"a"}, 0, false, SELECTOR_NO, 0},
	    {"no address", "/<>/", {NULL}, 0, false, SELECTOR_NO, 0},
	    {"cut, sure", "/^ab/", {"abc"}, 1, false, SELECTOR_YES, 0},
	    {"cut, its end", "/c$/", {"abc"}, 1, false, SELECTOR_UNSURE, 0},
	    {"cut, nothing yet", "/x/", {"abc"}, 1, false, SELECTOR_UNSURE, 0},
	    {"cut, a look at what follows", "/^a(?!.*x)/", {"abc"}, 1, false, SELECTOR_UNSURE, 0},
	    {"cut, to the end", "/^abc/", {"abcd"}, 1, false, SELECTOR_YES, 0},
	    {"cut, greedy", "/^a.*/", {"abcd"}, 1, false, SELECTOR_UNSURE, 0},
	    {"cut, but another one matches", "/^b$/", {"a", "b"}, 1, false, SELECTOR_YES, 0},
	    {"cut, and another one does not", "/^b$/", {"a", "c"}, 1, false, SELECTOR_UNSURE, 0},
	    {"part of the header", "/^a$/", {"a"}, 0, true, SELECTOR_YES, 0},
	    {"part of the header, another", "/^a$/", {"b"}, 0, true, SELECTOR_UNSURE, 0},
	    {"part of the header, none", "/^$/", {NULL}, 0, true, SELECTOR_UNSURE, 0},
	    {"too costly", "/^(a+)+$/", {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}, 0,
		false, SELECTOR_NO, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s;

		selector_init(&s);
		add(&s.subject, cases[i].asked);
		assert_true(selector_asks_file(&s) && !selector_is_empty(&s));
		struct selector_header h = {.selector = &s};
		for (unsigned n = 0; cases[i].fields[n]; n++)
			selector_subject_take(&h, cases[i].fields[n], strlen(cases[i].fields[n]),
			    cases[i].cut >> n & 1);
		case_assert(
		    cases[i].name, selector_subject_answer(&h, !cases[i].part) == cases[i].want);
		case_assert(cases[i].name, h.subject_limits == cases[i].limits);
		strbuf_release(&h.text);
		selector_release(&s);
	}
}

static bool no_match_data;

void *pcre2_match_data_create_8(uint32_t pairs, void *context);
void *pcre2_match_data_create_8(uint32_t pairs, void *context)
{
	void *(*next)(uint32_t, void *) =
	    (void *(*)(uint32_t, void *))dlsym(RTLD_NEXT, "pcre2_match_data_create_8");

	return no_match_data ? NULL : next(pairs, context);
}

static void test_no_memory_to_match(void **state)
{
	unsigned limits = 0;
	struct selector s;

	(void)state;
	selector_init(&s);
	add(&s.subject, "/^a$/");
	add(&s.why, "/^a$/");
	struct selector_header h = {.selector = &s};
	no_match_data = true;
	selector_subject_take(&h, "a", 1, false);
	assert_int_equal(selector_subject_answer(&h, true), SELECTOR_UNSURE);
	assert_int_equal(selector_why_answer(&s, "a", false, &limits), SELECTOR_UNSURE);
	no_match_data = false;
	assert_int_equal(selector_why_answer(&s, "a", false, &limits), SELECTOR_YES);
	assert_int_equal(limits + h.subject_limits, 0);
	strbuf_release(&h.text);
	selector_release(&s);
}

static void test_many_fields(void **state)
{
	struct selector s;

	(void)state;
	selector_init(&s);
	add(&s.subject, "/^last$/");
	for (unsigned before = SELECTOR_SUBJECTS_MAX - 1; before <= SELECTOR_SUBJECTS_MAX;
	     before++) {
		struct selector_header h = {.selector = &s};

		for (unsigned n = 0; n < before; n++)
			selector_subject_take(&h, "x", 1, false);
		selector_subject_take(&h, "last", 4, false);
		assert_int_equal(selector_subject_answer(&h, true),
		    before < SELECTOR_SUBJECTS_MAX ? SELECTOR_YES : SELECTOR_UNSURE);
		strbuf_release(&h.text);
	}
	selector_release(&s);
}

static void test_why(void **state)
{
	unsigned limits = 0;
	struct selector s;

	(void)state;
	selector_init(&s);
	add(&s.why, "/refused/");
	add(&s.why, "/timed out$/");
	assert_int_equal(
	    selector_why_answer(&s, "Connection refused", false, &limits), SELECTOR_YES);
	assert_int_equal(selector_why_answer(&s, "it timed out", false, &limits), SELECTOR_YES);
	assert_int_equal(selector_why_answer(&s, "it timed out", true, &limits), SELECTOR_UNSURE);
	assert_int_equal(selector_why_answer(&s, "refused: it", true, &limits), SELECTOR_YES);
	assert_int_equal(selector_why_answer(&s, "", false, &limits), SELECTOR_NO);
	assert_int_equal(limits, 0);
	selector_release(&s);
}

UNIT_MAIN(cmocka_unit_test(test_forms), cmocka_unit_test(test_bound),
    cmocka_unit_test(test_no_converter), cmocka_unit_test(test_many_charsets),
    cmocka_unit_test(test_no_memory), cmocka_unit_test(test_no_memory_to_match),
    cmocka_unit_test(test_answers), cmocka_unit_test(test_many_fields), cmocka_unit_test(test_why))
