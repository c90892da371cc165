/* SPDX-License-Identifier: ISC */
/* The screen's output: in any size, with any names, with and without UTF-8. */
#include <locale.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "purge/screen/cells.h"
#include "purge/screen/page.h"
#include "purge/screen/words.h"

#define MINUTE (60 * USEC_PER_SEC)
#define NOW    (INT64_C(29000000) * MINUTE)

/* Names that a stranger may choose. */
static const char *const hostile[] = {"plain.example", "\033[2J\033]0;owned\007.example",
    "right\342\200\256left.example", "zero\342\200\213width.example", "\377\376.example",
    "b\303\274cher.example", "\344\272\272\344\272\272\344\272\272.example",
    "a\314\201\314\201.example", "tab\tnewline\n.example", "%s%n%n.example",
    ("a.very.long.name.that.goes.on.and.on.and.on.and.on.and.on.and.on.and.on.and.on.and.on.and.on."
     "and.on.and.on.and.on.and.on.and.on.and.on.and.on.and.on.and.on.and.on.and.on.example"),
    ""};

static struct screen_groups hostile_groups(void)
{
	static uint64_t came[CENSUS_CAME] = {UINT64_MAX / 2, 1};
	struct top_group *list = calloc(COUNT_OF(hostile), sizeof(*list));
	struct screen_groups g = {.top = {.list = list,
				      .count = COUNT_OF(hostile),
				      .messages = UINT64_MAX / 2,
				      .bytes = UINT64_MAX / 2,
				      .names.values = list},
	    .now = NOW,
	    .caught_up = NOW - 4 * USEC_PER_SEC,
	    .steady = NOW,
	    .kept = true};

	assert_non_null(list);
	for (size_t i = 0; i < COUNT_OF(hostile); i++)
		list[i] = (struct top_group){.name = hostile[i],
		    .count = UINT64_MAX / 4,
		    .bytes = UINT64_MAX / 4,
		    .oldest = 1,
		    .newest = NOW + MINUTE,
		    .ages = {1, UINT64_MAX / 2},
		    .came = came};
	return g;
}

static struct screen_messages hostile_messages(void)
{
	struct screen_messages m = {.count = COUNT_OF(hostile), .cap = COUNT_OF(hostile)};

	m.list = calloc(m.count, sizeof(*m.list));
	assert_non_null(m.list);
	for (size_t i = 0; i < m.count; i++)
		m.list[i] = (struct screen_message){.id = strdup(hostile[i]),
		    .queue = strdup(hostile[i]),
		    .sender = strdup(hostile[i]),
		    .recipient = strdup(hostile[i]),
		    .recipients = SIZE_MAX,
		    .arrival = INT64_MIN,
		    .size = INT64_MAX};
	return m;
}

static void begin(struct screen_model *m)
{
	struct screen_groups groups = hostile_groups();

	model_init(m);
	m->utf8 = true;
	model_groups(m, &groups);
}

static struct page page_of(const struct screen_model *m)
{
	struct page p;

	assert_int_equal(page_make(m, NOW, &p), 0);
	return p;
}

/* No line controls the terminal or is too wide. */
static void check_line(const struct screen_model *m, const char *text)
{
	size_t len = strlen(text);
	uint32_t point;

	assert_true(cells_width(text, m->utf8) <= m->columns);
	for (size_t at = 0; at < len;) {
		size_t step = str_utf8(text + at, len - at, &point);

		assert_true(step > 0);
		assert_false(str_is_unsafe(point));
		assert_true(m->utf8 || point < 0x80);
		at += step;
	}
}

static void check_page(const struct screen_model *m)
{
	struct page p = page_of(m);

	assert_int_equal(p.count, m->rows);
	for (size_t i = 0; i < p.count; i++) {
		check_line(m, strbuf_text(&p.lines[i].text));
		assert_true(p.lines[i].mark <= p.lines[i].text.len || !p.lines[i].mark_len);
	}
	page_release(&p);
}

static void check_sizes(struct screen_model *m)
{
	static const size_t rows[] = {1, 2, 3, 4, 5, 24, 60},
			    columns[] = {1, 2, 7, 20, 40, 79, 80, 103, 104, 250};

	for (size_t r = 0; r < COUNT_OF(rows); r++)
		for (size_t c = 0; c < COUNT_OF(columns); c++)
			for (int utf8 = 0; utf8 < 2; utf8++) {
				m->utf8 = utf8;
				model_resize(m, rows[r], columns[c]);
				check_page(m);
			}
}

/* A hostile name on every line, in every view and size. */
static void test_hostile(void **state)
{
	struct screen_messages messages = hostile_messages();
	struct screen_model m;

	(void)state;
	begin(&m);
	check_sizes(&m);
	(void)model_key(&m, SCREEN_DOWN);
	(void)model_key(&m, SCREEN_ENTER);
	model_messages(&m, &messages);
	check_sizes(&m);
	for (size_t i = 0; i < COUNT_OF(hostile); i++) {
		model_text(&m, hostile[i], hostile[i], strlen(hostile[i]));
		model_note(&m, "%s", hostile[i]);
		check_sizes(&m);
		m.note[0] = '\0';
		snprintf(m.state, sizeof(m.state), "%s", hostile[i]);
		m.loading = false;
		check_sizes(&m);
		m.state[0] = '\0';
	}
	(void)model_key(&m, '/');
	for (int key = ' '; key < 256; key++)
		(void)model_key(&m, key);
	check_sizes(&m);
	model_release(&m);
}

static void assert_line(const struct page *p, size_t n, const char *want)
{
	char text[400];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", strbuf_text(&p->lines[n].text));

	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
	case_assert_text(want, text, want);
}

static struct screen_groups plain_groups(uint64_t count)
{
	static uint64_t came[CENSUS_CAME] = {[8] = 5, [9] = 10};
	struct top_group *list = calloc(1, sizeof(*list));
	struct screen_groups g = {.top = {.list = list,
				      .count = 1,
				      .messages = 2 * count,
				      .bytes = 2048,
				      .names.values = list},
	    .now = NOW,
	    .caught_up = NOW - 4 * USEC_PER_SEC,
	    .kept = true};

	assert_non_null(list);
	list[0] = (struct top_group){.name = "example.com",
	    .count = count,
	    .bytes = 2048,
	    .oldest = NOW - 70 * MINUTE,
	    .newest = NOW - 5 * USEC_PER_SEC,
	    .ages = {10, 0, 0, 0, 20},
	    .came = came};
	return g;
}

static void test_groups(void **state)
{
	struct screen_groups first = plain_groups(30), next = plain_groups(50);
	struct screen_model m;
	struct page p;

	(void)state;
	model_init(&m);
	m.utf8 = true;
	first.steady = 1;
	next.steady = 1 + 4 * USEC_PER_SEC;
	model_groups(&m, &first);
	p = page_of(&m);
	assert_line(&p, 0,
	    "60 messages (2.0 kB) in 1 group                                 caught up 4s ago");
	assert_line(&p, 1, "by sender domain");
	assert_line(&p, 2,
	    "SENDER DOMAIN                  COUNT  SHARE      RATE  OLD AGES       LAST 10MIN");
	assert_line(&p, 3,
	    "example.com                       30  50.0%             1h ▅···█····· ········▅█");
	assert_int_equal(p.lines[3].style, STYLE_CURSOR);
	assert_line(&p, 4, "");
	page_release(&p);
	model_groups(&m, &next);
	m.utf8 = false;
	p = page_of(&m);
	assert_line(&p, 0,
	    "100 messages (2.0 kB) in 1 group, +10.0/s                       caught up 4s ago");
	assert_line(&p, 3,
	    "example.com                       50  50.0%    +5.0/s   1h +   @              +@");
	page_release(&p);
	m.utf8 = true;
	model_resize(&m, 24, 110);
	p = page_of(&m);
	assert_line(&p, 2,
	    "SENDER DOMAIN                        COUNT  SHARE               RATE      SIZE  NEW  "
	    "OLD "
	    "AGES "
	    "      LAST 10MIN");
	assert_int_equal(p.lines[3].mark_style, STYLE_MOST);
	assert_true(p.lines[3].mark_len > 0);
	page_release(&p);
	model_release(&m);
}

/* The page says how far its data can be trusted. */
static void test_basis(void **state)
{
	struct screen_groups counted = plain_groups(30), never = plain_groups(30);
	struct screen_model m;
	struct page p;

	(void)state;
	model_init(&m);
	p = page_of(&m);
	assert_line(&p, 1, "...");
	page_release(&p);
	counted.kept = false;
	counted.now = NOW - 3 * USEC_PER_SEC;
	model_groups(&m, &counted);
	snprintf(m.state, sizeof(m.state), "no daemon is running");
	p = page_of(&m);
	assert_non_null(strstr(strbuf_text(&p.lines[0].text), "counted by top 3s ago"));
	assert_line(&p, 1, "no daemon is running");
	page_release(&p);
	never.caught_up = 0;
	never.others = 12;
	model_groups(&m, &never);
	m.state[0] = '\0';
	p = page_of(&m);
	assert_non_null(strstr(strbuf_text(&p.lines[0].text), "not caught up yet"));
	assert_line(&p, 1, "12 more in groups too many to tell apart");
	page_release(&p);
	model_release(&m);
}

/* ---- cells */

static void test_cells(void **state)
{
	static const struct {
		const char *name, *text;
		size_t width;
		bool right, utf8;
		const char *want;
	} cases[] = {
	    {"filled", "ab", 4, false, true, "ab  "},
	    {"right", "ab", 4, true, true, "  ab"},
	    {"fits", "abcd", 4, false, true, "abcd"},
	    {"cut", "abcde", 4, false, true, "abc~"},
	    {"cut on the right", "abcde", 4, true, true, "abc~"},
	    {"one column", "abcde", 1, false, true, "~"},
	    {"no column", "abcde", 0, false, true, ""},
	    {"free", "abcde", CELLS_FREE, false, true, "abcde"},
	    {"control", "a\033b", 4, false, true, "a?b "},
	    {"bad bytes", "a\377b", 4, false, true, "a?b "},
	    {"two bytes", "\303\274x", 4, false, true, "\303\274x  "},
	    {"two bytes, C", "\303\274x", 4, false, false, "?x  "},
	    {"wide", "\344\272\272x", 4, false, true, "\344\272\272x "},
	    {"wide, cut", "\344\272\272\344\272\272\344\272\272", 4, false, true, "\344\272\272~ "},
	    {"combining", "a\314\201b", 4, false, true, "a\314\201b  "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strbuf to = {0};

		(void)cells_put(&to, cases[i].text, cases[i].width, cases[i].right, cases[i].utf8);
		case_assert_text(cases[i].name, strbuf_text(&to), cases[i].want);
		strbuf_release(&to);
	}
}

/* ---- words */

static void test_words(void **state)
{
	/* NULL: refused, as the option or rule would mean something else or more. */
	static const struct {
		enum group_kind kind;
		const char *name, *select, *block;
	} cases[] = {
	    {GROUP_SENDER, "example.com", "--sender=example.com", "-- example.com"},
	    {GROUP_SENDER, "<>", "--sender=<>", "-- <>"},
	    {GROUP_SENDER, "", NULL, NULL},
	    {GROUP_SENDER, ".example.com", NULL, NULL},
	    {GROUP_SENDER, "/.*/", NULL, NULL},
	    {GROUP_SENDER, "/.*/i", NULL, NULL},
	    {GROUP_SENDER, "a@example.com", NULL, NULL},
	    {GROUP_SENDER, "EXAMPLE.com", NULL, NULL},
	    {GROUP_SENDER, "*.example.com", NULL, NULL},
	    {GROUP_SENDER, "a b", NULL, NULL},
	    {GROUP_SENDER, "[192.0.2.1]", "--sender=[192.0.2.1]", "-- [192.0.2.1]"},
	    {GROUP_FROM, "example.com", "--from=example.com", "-- example.com"},
	    {GROUP_FROM, "<>", NULL, NULL},
	    {GROUP_RECIPIENT, "example.com", "--recipient=example.com", NULL},
	    {GROUP_LOGIN, "joe", "--login=joe", "-- login:joe"},
	    {GROUP_LOGIN, "joe@example.com", "--login=joe@example.com", "-- login:joe@example.com"},
	    {GROUP_LOGIN, "-rf", "--login=-rf", "-- login:-rf"},
	    {GROUP_LOGIN, "joe doe", "--login=joe doe", NULL},
	    {GROUP_LOGIN, "@example.com", NULL, NULL},
	    {GROUP_LOGIN, "/.*/", NULL, NULL},
	    {GROUP_LOGIN, "joe\n", NULL, NULL},
	    {GROUP_LOGIN, "", NULL, NULL},
	    {GROUP_CLIENT, "192.0.2.1", "--client=192.0.2.1", "-- client:192.0.2.1"},
	    {GROUP_CLIENT, "2001:db8::1", "--client=2001:db8::1", "-- client:2001:db8::1"},
	    {GROUP_CLIENT, "0.0.0.0/0", NULL, NULL},
	    {GROUP_CLIENT, "", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (int block = 0; block < 2; block++) {
			const char *want = block ? cases[i].block : cases[i].select;
			struct strbuf packed = {0}, line = {0};
			int code = (block ? words_block : words_select)(
			    cases[i].kind, cases[i].name, &packed);
			struct strlist list = strlist_of(&packed);

			strlist_each (word, &list)
				strbuf_printf(&line, "%s%s", line.len ? " " : "", word);
			case_assert(cases[i].name, code == (want ? 0 : ERR_SYNTAX));
			case_assert_text(cases[i].name, strbuf_text(&line), want ? want : "");
			strbuf_release(&packed);
			strbuf_release(&line);
		}
}

static void test_word_of_a_message(void **state)
{
	static const char *const bad[] = {"", "-", "--all", "00001g", "../x"};
	struct strbuf packed = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		case_assert(
		    bad[i], words_id("--id=", bad[i], &packed) == ERR_SYNTAX && packed.len == 0);
	assert_int_equal(words_id("--id=", "00001F00", &packed), 0);
	assert_string_equal(packed.text, "--id=00001F00");
	strbuf_release(&packed);
}

static int in_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_groups), cmocka_unit_test(test_basis),
	    cmocka_unit_test(test_cells), cmocka_unit_test(test_words),
	    cmocka_unit_test(test_word_of_a_message)};

	return cmocka_run_group_tests(tests, in_utf8, NULL);
}
