/* SPDX-License-Identifier: ISC */
/* The question on a terminal: only a yes counts as one. */
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "purge/interrupt.h"
#include "purge/tell/ask.h"

struct terminal {
	int master, slave;
};

static struct terminal terminal_open(void)
{
	struct terminal t;

	assert_int_equal(openpty(&t.master, &t.slave, NULL, NULL, NULL), 0);
	return t;
}

static void terminal_close(struct terminal *t)
{
	close(t->master);
	close(t->slave);
}

static void type(const struct terminal *t, const char *keys)
{
	assert_int_equal(write(t->master, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static enum answer asked(const struct terminal *t, uint64_t number)
{
	FILE *out = fopen("/dev/null", "w");
	enum answer answer = number ? ask_number(t->slave, out, "Delete all?", "", number)
				    : ask_yes(t->slave, out, "Delete?");

	fclose(out);
	return answer;
}

static void test_answers(void **state)
{
	/* \004 is the terminal's end of file */
	static const struct {
		const char *name, *keys;
		uint64_t number;
		enum answer want;
	} cases[] = {
	    {"y", "y\n", 0, ANSWER_YES},
	    {"Y", "Y\n", 0, ANSWER_YES},
	    {"yes", " yes \n", 0, ANSWER_YES},
	    {"YES", "YES\n", 0, ANSWER_YES},
	    {"n", "n\n", 0, ANSWER_NO},
	    {"empty", "\n", 0, ANSWER_NO},
	    {"end of file", "\004", 0, ANSWER_NO},
	    {"yep", "yep\n", 0, ANSWER_NO},
	    {"y twice", "yy\n", 0, ANSWER_NO},
	    {"a number where y is asked", "1\n", 0, ANSWER_NO},
	    {"longer than any answer", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n", 0,
		ANSWER_NO},
	    {"yes and blanks without end", "yes                                        \n", 0,
		ANSWER_NO},
	    {"the number", "123\n", 123, ANSWER_YES},
	    {"the number and blanks", " 123 \n", 123, ANSWER_YES},
	    {"another number", "124\n", 123, ANSWER_NO},
	    {"more digits", "1230\n", 123, ANSWER_NO},
	    {"a leading zero", "0123\n", 123, ANSWER_NO},
	    {"yes for a number", "yes\n", 123, ANSWER_NO},
	    {"nothing for a number", "\n", 123, ANSWER_NO},
	    {"end of file for a number", "\004", 123, ANSWER_NO},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct terminal t = terminal_open();

		type(&t, cases[i].keys);
		if (asked(&t, cases[i].number) != cases[i].want)
			case_fail(cases[i].name, "other answer than %d", cases[i].want);
		terminal_close(&t);
	}
}

/* Takes one line only: the text after it belongs to the next reader. */
static void test_one_line(void **state)
{
	struct terminal t = terminal_open();

	(void)state;
	type(&t, "n\ny\n");
	assert_int_equal(asked(&t, 0), ANSWER_NO);
	assert_int_equal(asked(&t, 0), ANSWER_YES);
	terminal_close(&t);
}

static void test_closed(void **state)
{
	struct terminal t = terminal_open();

	(void)state;
	close(t.master);
	assert_int_equal(asked(&t, 0), ANSWER_NO);
	close(t.slave);
}

static void *interrupt_main(void *arg)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	const pthread_t *asker = arg;

	nanosleep(&pause, NULL);
	pthread_kill(*asker, SIGINT);
	return NULL;
}

/* One signal is enough, whether it comes during the question or just before. */
static void test_signal(void **state)
{
	struct terminal t = terminal_open();
	pthread_t asker = pthread_self(), other;

	(void)state;
	interrupt_catch();
	assert_int_equal(pthread_create(&other, NULL, interrupt_main, &asker), 0);
	assert_int_equal(asked(&t, 0), ANSWER_INTERRUPTED);
	pthread_join(other, NULL);
	assert_true(interrupt_stop);

	type(&t, "y\n");
	assert_int_equal(asked(&t, 0), ANSWER_INTERRUPTED);
	interrupt_stop = 0;
	raise(SIGINT);
	assert_int_equal(asked(&t, 0), ANSWER_INTERRUPTED);
	terminal_close(&t);
}

static void test_question(void **state)
{
	struct terminal t = terminal_open();
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	type(&t, "n\n");
	(void)ask_yes(t.slave, out, "Delete these 3 messages?");
	fclose(out);
	assert_string_equal(text, "Delete these 3 messages? [y/N] ");
	free(text);
	terminal_close(&t);
}

UNIT_MAIN(cmocka_unit_test(test_answers), cmocka_unit_test(test_one_line),
    cmocka_unit_test(test_closed), cmocka_unit_test(test_question), cmocka_unit_test(test_signal))
