/* SPDX-License-Identifier: ISC */
/* Text in HTML: none of its bytes is ever read as markup. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "purge/report/html.h"

static const char *escaped(struct strbuf *h, const char *text)
{
	strbuf_clear(h);
	html_text(h, text);
	assert_false(h->failed);
	return strbuf_text(h);
}

/* Each byte alone, between letters. */
static void test_all_bytes(void **state)
{
	static const struct {
		char byte;
		const char *want;
	} references[] = {
	    {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
	struct strbuf h = {0};

	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		char text[4] = {'a', (char)byte, 'z', '\0'}, want[16], name[16];

		snprintf(name, sizeof(name), "byte %d", byte);
		snprintf(want, sizeof(want), "a%cz", byte < 32 || byte > 126 ? '?' : byte);
		for (size_t n = 0; n < COUNT_OF(references); n++)
			if (references[n].byte == text[1])
				snprintf(want, sizeof(want), "a%sz", references[n].want);
		case_assert_text(name, escaped(&h, text), want);
	}
	assert_string_equal(escaped(&h, ""), "");
	strbuf_release(&h);
}

static void test_points(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
	    {"an umlaut stays", "\u00fc", "\u00fc"},
	    {"right to left", "a\u202eb", "a?b"},
	    {"isolates", "a\u2066b\u2069", "a?b?"},
	    {"zero width", "a\u200bb\ufeffc", "a?b?c"},
	    {"C1",
		"a\xc2\x9b"
		"31mb",
		"a?31mb"},
	    {"line separator", "a\u2028b", "a?b"},
	    {"half a character", "a\xc3", "a?"},
	    {"overlong <", "\xc0\xbc", "??"},
	    {"UTF-7 stays text", "+ADw-script+AD4-", "+ADw-script+AD4-"},
	    {"references", "&lt;&#60;", "&amp;lt;&amp;#60;"},
	    {"an end of everything", "</title></style></script>-->]]>",
		"&lt;/title&gt;&lt;/style&gt;&lt;/script&gt;--&gt;]]&gt;"},
	    {"an attribute", "\" onload='x' b=`", "&quot; onload=&#39;x&#39; b=`"},
	};
	struct strbuf h = {0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		case_assert_text(cases[n].name, escaped(&h, cases[n].text), cases[n].want);
	strbuf_release(&h);
}

/* For any bytes: & only begins references, and no < > " ' is left. */
static void test_any_bytes(void **state)
{
	struct strbuf h = {0};
	unsigned seed = 7;
	char text[64];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)round % (sizeof(text) - 1);

		for (size_t n = 0; n < len; n++) {
			seed = seed * 1103515245 + 12345;
			text[n] = (char)(1 + (seed >> 16) % 255);
		}
		text[len] = '\0';
		const char *got = escaped(&h, text);
		assert_null(strpbrk(got, "<>\"'"));
		assert_true(str_is_utf8(got));
		for (const char *at = got; (at = strchr(at, '&')); at++)
			assert_true(str_starts(at, "&amp;") || str_starts(at, "&lt;") ||
				    str_starts(at, "&gt;") || str_starts(at, "&quot;") ||
				    str_starts(at, "&#39;"));
	}
	strbuf_release(&h);
}

static void test_formatted(void **state)
{
	struct strbuf h = {0};

	(void)state;
	html_format(&h, "%s & %d", "<b>", 7);
	html_element(&h, "td", "n", "<&>");
	html_element(&h, "p", NULL, "x");
	html_number(&h, 0);
	html_number(&h, UINT64_MAX);
	assert_string_equal(strbuf_text(&h),
	    "&lt;b&gt; &amp; 7<td class=\"n\">&lt;&amp;&gt;</td><p>x</p><td class=\"n\"></td>"
	    "<td class=\"n\">18446744073709551615</td>");
	strbuf_release(&h);
}

/* The zone's name comes from the environment, so it may hold anything. */
static void test_times(void **state)
{
	static const struct {
		const char *name, *zone, *want;
	} cases[] = {
	    {"UTC", "UTC0",
		"<time datetime=\"2023-11-14T22:13:20+0000\">2023-11-14 22:13:20 UTC</time>"},
	    {"east", "CET-1",
		"<time datetime=\"2023-11-14T23:13:20+0100\">2023-11-14 23:13:20 CET</time>"},
	};
	struct strbuf h = {0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		strbuf_clear(&h);
		setenv("TZ", cases[n].zone, 1);
		tzset();
		html_time(&h, INT64_C(1700000000) * USEC_PER_SEC);
		case_assert_text(cases[n].name, strbuf_text(&h), cases[n].want);
	}
	strbuf_clear(&h);
	setenv("TZ", "<\"+01\">-1", 1);
	tzset();
	html_time(&h, INT64_C(1700000000) * USEC_PER_SEC);
	assert_null(strstr(strbuf_text(&h), "\"+01\""));
	strbuf_clear(&h);
	html_time(&h, 0);
	html_time(&h, -1);
	html_time(&h, INT64_MAX);
	assert_null(strstr(strbuf_text(&h), "1970"));
	strbuf_release(&h);
}

UNIT_MAIN(cmocka_unit_test(test_all_bytes), cmocka_unit_test(test_points),
    cmocka_unit_test(test_any_bytes), cmocka_unit_test(test_formatted),
    cmocka_unit_test(test_times))
