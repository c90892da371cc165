/* SPDX-License-Identifier: ISC */
/* The screen key by key: the new state, and the effect that it returns. */
#include "tests/unit/purge/screen_fixture.h"

#include "base/err.h"

/* ---- moving */

static void test_moving(void **state)
{
	static const struct {
		const char *name;
		int keys[4];
		size_t at, first;
	} cases[] = {
	    {"down", {SCREEN_DOWN}, 1, 0},
	    {"j", {'j', 'j'}, 2, 0},
	    {"up at the top", {SCREEN_UP}, 0, 0},
	    {"down and up", {SCREEN_DOWN, SCREEN_DOWN, 'k'}, 1, 0},
	    {"a page", {SCREEN_PAGE_DOWN}, 20, 1},
	    {"a page by a blank", {' '}, 20, 1},
	    {"two pages and back", {' ', ' ', SCREEN_PAGE_UP}, 20, 20},
	    {"past the end", {' ', ' ', ' ', ' '}, 49, 30},
	    {"last", {SCREEN_LAST}, 49, 30},
	    {"last and first", {SCREEN_LAST, SCREEN_FIRST}, 0, 0},
	    {"last and up", {SCREEN_LAST, SCREEN_UP}, 48, 30},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct screen_model m;

		begin(&m);
		for (size_t k = 0; k < 4 && cases[i].keys[k]; k++)
			case_assert(cases[i].name, model_key(&m, cases[i].keys[k]) == EFFECT_NONE);
		case_assert(cases[i].name, m.group.at == cases[i].at);
		case_assert(cases[i].name, m.group.first == cases[i].first);
		case_assert_text(cases[i].name, m.chosen, m.groups.top.list[m.group.at].name);
		model_release(&m);
	}
}

/* In an empty list nothing is chosen, and no key acts. */
static void test_empty(void **state)
{
	static const int keys[] = {SCREEN_DOWN, SCREEN_UP, SCREEN_LAST, SCREEN_PAGE_DOWN, ' ',
	    SCREEN_ENTER, SCREEN_OPEN, 'w', 'h', 'p', 'b'};
	struct screen_groups none = {.now = 1};
	struct strbuf packed = {0};
	struct screen_model m;

	(void)state;
	model_init(&m);
	model_groups(&m, &none);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		assert_int_equal(model_key(&m, keys[i]), EFFECT_NONE);
		assert_int_equal(m.group.at, 0);
		assert_int_equal(m.view, VIEW_GROUPS);
	}
	assert_string_equal(m.note, "Nothing is chosen.");
	assert_int_equal(model_words(&m, EFFECT_HOLD, &packed), ERR_SYNTAX);
	assert_int_equal(packed.len, 0);
	model_release(&m);
}

static void test_resize(void **state)
{
	struct screen_model m;

	(void)state;
	begin(&m);
	(void)model_key(&m, SCREEN_LAST);
	model_resize(&m, 10, 40);
	assert_int_equal(m.group.at, 49);
	assert_int_equal(m.group.first, 44);
	model_resize(&m, 2, 1); /* there is always room for one line */
	assert_int_equal(m.group.first, 49);
	model_resize(&m, 100, 200);
	assert_int_equal(m.group.first, 0);
	assert_int_equal(m.group.at, 49);
	/* Loads more below the visible lines, up to the bound. */
	assert_int_equal(model_wants(&m), 49 + 3 * 96);
	model_resize(&m, 500, 200);
	assert_int_equal(model_wants(&m), CENSUS_LIST);
	model_resize(&m, 10, 200);
	assert_int_equal(model_wants(&m), 100);
	model_release(&m);
}

/* ---- groups */

static void test_groups(void **state)
{
	static const struct {
		int key;
		enum group_kind kind;
	} cases[] = {{'d', GROUP_SENDER}, {'f', GROUP_FROM}, {'r', GROUP_RECIPIENT},
	    {'l', GROUP_LOGIN}, {'c', GROUP_CLIENT}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct screen_model m;

		begin_messages(&m);
		assert_int_equal(model_key(&m, cases[i].key), EFFECT_GROUPS);
		assert_int_equal(m.kind, cases[i].kind);
		assert_int_equal(m.view, VIEW_GROUPS);
		assert_int_equal(
		    m.groups.top.count, 0); /* no group of the other kind can be chosen */
		assert_null(m.chosen);
		assert_true(m.loading);
		assert_int_equal(model_key(&m, 'p'), EFFECT_NONE);
		model_release(&m);
	}
}

/* The cursor stays on its group while others come, go and change places. */
static void test_the_cursor_stays(void **state)
{
	struct screen_groups next = some_groups(GROUPS), without = some_groups(3);
	struct screen_model m;

	(void)state;
	begin(&m);
	for (int i = 0; i < 7; i++)
		(void)model_key(&m, SCREEN_DOWN);
	struct top_group g = next.top.list[7];
	next.top.list[7] = next.top.list[30];
	next.top.list[30] = g;
	model_groups(&m, &next);
	assert_int_equal(m.group.at, 30);
	assert_string_equal(m.chosen, "n07.example");
	check_words(&m, EFFECT_PURGE, "--sender=n07.example");
	model_groups(&m, &without);
	assert_int_equal(m.group.at, 2);
	assert_string_equal(m.chosen, "n02.example");
	check_words(&m, EFFECT_PURGE, "--sender=n02.example");
	model_release(&m);
}

/* ---- opening and going back */

static void test_open(void **state)
{
	static const int opens[] = {SCREEN_ENTER, SCREEN_OPEN},
			 backs[] = {SCREEN_ESCAPE, SCREEN_BACK};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct screen_messages messages = some_messages(MESSAGES);
		struct screen_model m;

		begin(&m);
		(void)model_key(&m, SCREEN_DOWN);
		assert_int_equal(model_key(&m, opens[i]), EFFECT_MESSAGES);
		check_words(&m, EFFECT_MESSAGES, "--sender=n01.example");
		model_messages(&m, &messages);
		assert_false(m.loading);
		(void)model_key(&m, SCREEN_DOWN);
		assert_int_equal(model_key(&m, opens[i]), EFFECT_SHOW);
		check_words(&m, EFFECT_SHOW, "00001101");
		model_text(&m, "x", "a\nb\n", 4);
		assert_int_equal(m.view, VIEW_TEXT);
		assert_int_equal(model_key(&m, opens[i]), EFFECT_NONE);
		assert_int_equal(model_key(&m, backs[i]), EFFECT_NONE);
		assert_int_equal(m.view, VIEW_MESSAGES);
		assert_int_equal(m.message.at, 1);
		assert_int_equal(model_key(&m, backs[i]), EFFECT_NONE);
		assert_int_equal(m.view, VIEW_GROUPS);
		assert_int_equal(m.group.at, 1);
		assert_int_equal(model_key(&m, backs[i]), EFFECT_NONE);
		assert_int_equal(m.view, VIEW_GROUPS);
		model_release(&m);
	}
}

/* A late answer about another group does not move the cursor. */
static void test_messages_anew(void **state)
{
	struct screen_messages fewer = some_messages(MESSAGES);
	struct screen_model m;

	(void)state;
	begin_messages(&m);
	for (int i = 0; i < 5; i++)
		(void)model_key(&m, SCREEN_DOWN);
	free(fewer.list[0].id);
	free(fewer.list[0].queue);
	free(fewer.list[0].sender);
	free(fewer.list[0].recipient);
	memmove(fewer.list, fewer.list + 1, (--fewer.count) * sizeof(*fewer.list));
	model_messages(&m, &fewer);
	assert_int_equal(m.message.at, 4);
	check_words(&m, EFFECT_PURGE, "--id=00001105");
	model_release(&m);
}

static void test_text(void **state)
{
	struct screen_model m;
	struct strbuf text = {0};

	(void)state;
	begin(&m);
	assert_int_equal(model_key(&m, 'w'), EFFECT_WHY);
	assert_true(m.loading);
	check_words(&m, EFFECT_WHY, "--sender=n00.example");
	for (int i = 0; i < 100; i++)
		strbuf_printf(&text, "line %d\n", i);
	model_text(&m, "why", strbuf_text(&text), text.len);
	assert_false(m.loading);
	(void)model_key(&m, SCREEN_DOWN);
	assert_int_equal(m.line.first, 1);
	(void)model_key(&m, SCREEN_LAST);
	assert_int_equal(m.line.first, 80);
	(void)model_key(&m, SCREEN_UP);
	assert_int_equal(m.line.first, 79);
	(void)model_key(&m, SCREEN_FIRST);
	assert_int_equal(m.line.first, 0);
	strbuf_release(&text);
	model_release(&m);
}

/* The help is not a place to act from: nothing is visible there. */
static void test_help(void **state)
{
	static const int keys[] = {'h', 'p', 'b', 'u', 'w'};
	struct screen_model m;

	(void)state;
	begin(&m);
	assert_int_equal(model_key(&m, '?'), EFFECT_NONE);
	assert_int_equal(m.view, VIEW_TEXT);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_int_equal(model_key(&m, keys[i]), EFFECT_NONE);
	assert_int_equal(model_key(&m, SCREEN_DOWN), EFFECT_NONE);
	assert_int_equal(m.line.first, 1);
	assert_int_equal(model_key(&m, SCREEN_UP), EFFECT_NONE);
	assert_int_equal(m.line.first, 0);
	assert_int_equal(model_key(&m, SCREEN_ESCAPE), EFFECT_NONE);
	assert_int_equal(m.view, VIEW_GROUPS);
	assert_int_equal(model_key(&m, 'h'), EFFECT_HOLD);
	model_release(&m);
}

/* ---- the filter */

static void type(struct screen_model *m, const char *text)
{
	for (; *text; text++)
		assert_int_equal(model_key(m, (unsigned char)*text), EFFECT_NONE);
}

static void test_filter(void **state)
{
	struct screen_model m;

	(void)state;
	begin(&m);
	assert_int_equal(model_key(&m, '/'), EFFECT_NONE);
	assert_true(m.typing);
	/* Typed text is no command. */
	type(&m, "qphbu?d");
	assert_string_equal(m.filter, "qphbu?d");
	for (int i = 0; i < 9; i++)
		assert_int_equal(model_key(&m, SCREEN_ERASE), EFFECT_NONE);
	type(&m, "ex\303\274");
	assert_int_equal(model_key(&m, SCREEN_ERASE), EFFECT_NONE);
	assert_string_equal(m.filter, "ex");
	assert_int_equal(model_key(&m, SCREEN_UP), EFFECT_NONE);
	assert_int_equal(model_key(&m, 1), EFFECT_NONE); /* ^A is not text */
	assert_string_equal(m.filter, "ex");
	assert_int_equal(model_key(&m, SCREEN_ENTER), EFFECT_GROUPS);
	assert_false(m.typing);
	assert_string_equal(m.filter, "ex");
	/* Back ends it. */
	assert_int_equal(model_key(&m, SCREEN_ESCAPE), EFFECT_GROUPS);
	assert_string_equal(m.filter, "");
	(void)model_key(&m, '/');
	for (int i = 0; i < 200; i++)
		(void)model_key(&m, 'x');
	assert_int_equal(strlen(m.filter), SCREEN_FILTER_MAX);
	assert_int_equal(model_key(&m, SCREEN_ESCAPE), EFFECT_GROUPS);
	assert_string_equal(m.filter, "");
	assert_false(m.typing);
	model_release(&m);
}

static void test_the_rest(void **state)
{
	struct screen_model m;

	(void)state;
	begin(&m);
	assert_int_equal(model_key(&m, 'q'), EFFECT_QUIT);
	assert_int_equal(model_key(&m, 'u'), EFFECT_UNDO);
	assert_int_equal(model_key(&m, SCREEN_REPAINT), EFFECT_REPAINT);
	for (int key = 0; key < 256; key++) /* the others mean nothing */
		if (!strchr("dfrlcwhpbuq?/jk \n\f\033\177", key) || key == 0)
			assert_int_equal(model_key(&m, key), EFFECT_NONE);
	assert_int_equal(m.view, VIEW_GROUPS);
	assert_int_equal(m.group.at, 0);
	assert_int_equal(model_key(&m, SCREEN_OTHER), EFFECT_NONE);
	/* The next key removes a note. */
	model_note(&m, "said");
	(void)model_key(&m, SCREEN_DOWN);
	assert_string_equal(m.note, "");
	model_release(&m);
}

UNIT_MAIN(cmocka_unit_test(test_moving), cmocka_unit_test(test_empty),
    cmocka_unit_test(test_resize), cmocka_unit_test(test_groups),
    cmocka_unit_test(test_the_cursor_stays), cmocka_unit_test(test_open),
    cmocka_unit_test(test_messages_anew), cmocka_unit_test(test_text), cmocka_unit_test(test_help),
    cmocka_unit_test(test_filter), cmocka_unit_test(test_the_rest))
