/* SPDX-License-Identifier: ISC */
/* The screen's acting keys: they act on what is shown, and on nothing else. */
#include "tests/unit/purge/screen_fixture.h"

static void test_acting(void **state)
{
	static const struct {
		int key;
		enum screen_effect effect;
		const char *group, *message;
	} cases[] = {{'h', EFFECT_HOLD, "--sender=n00.example", "--id=00001100"},
	    {'p', EFFECT_PURGE, "--sender=n00.example", "--id=00001100"},
	    {'b', EFFECT_BLOCK, "-- n00.example", "-- n00.example"},
	    {'w', EFFECT_WHY, "--sender=n00.example", "--sender=n00.example"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct screen_model m;

		begin(&m);
		assert_int_equal(model_key(&m, cases[i].key), cases[i].effect);
		check_words(&m, cases[i].effect, cases[i].group);
		model_release(&m);
		begin_messages(&m);
		assert_int_equal(model_key(&m, cases[i].key), cases[i].effect);
		check_words(&m, cases[i].effect, cases[i].message);
		model_release(&m);
	}
}

static void test_acting_on_what_is_shown(void **state)
{
	struct screen_model m;

	(void)state;
	begin_messages(&m);
	(void)model_key(&m, SCREEN_DOWN);
	assert_int_equal(model_key(&m, SCREEN_ENTER), EFFECT_SHOW);
	model_text(&m, "00001101", "x\n", 2);
	assert_int_equal(model_key(&m, 'p'), EFFECT_PURGE);
	check_words(&m, EFFECT_PURGE, "--id=00001101");
	model_release(&m);
}

/* A message that takes its place in the list is not the one shown, even after the list is
 * reloaded. */
static void test_acting_on_what_is_gone(void **state)
{
	static const struct {
		const char *name;
		int opens;
	} cases[] = {{"the message", SCREEN_ENTER}, {"why", 'w'}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct screen_model m;

		begin_messages(&m);
		(void)model_key(&m, SCREEN_DOWN);
		(void)model_key(&m, cases[i].opens);
		for (int times = 0; times < 2; times++) {
			struct screen_messages messages = some_messages(MESSAGES);

			messages.list[1].id[5] = 'F';
			model_messages(&m, &messages);
			case_assert(cases[i].name, model_key(&m, 'p') == EFFECT_NONE);
			case_assert_text(cases[i].name, m.note, "It is not in the list any more.");
			case_assert(cases[i].name, model_key(&m, 'h') == EFFECT_NONE);
		}
		(void)model_key(&m, SCREEN_ESCAPE);
		assert_int_equal(model_key(&m, 'p'), EFFECT_PURGE);
		check_words(&m, EFFECT_PURGE, "--id=00001F01");
		model_release(&m);
	}
}

/* If no messages came, no message is chosen, and the keys do not act on the group instead. */
static void test_acting_on_no_message(void **state)
{
	struct screen_model m;

	(void)state;
	begin(&m);
	assert_int_equal(model_key(&m, SCREEN_ENTER), EFFECT_MESSAGES);
	assert_int_equal(model_key(&m, 'p'), EFFECT_NONE);
	assert_string_equal(m.note, "Nothing is chosen.");
	assert_int_equal(model_key(&m, 'h'), EFFECT_NONE);
	model_release(&m);
}

UNIT_MAIN(cmocka_unit_test(test_acting), cmocka_unit_test(test_acting_on_what_is_shown),
    cmocka_unit_test(test_acting_on_what_is_gone), cmocka_unit_test(test_acting_on_no_message))
