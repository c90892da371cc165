/* SPDX-License-Identifier: ISC */
/*
 * Which times, and of which queue file, a session keeps: clocks that are set, a next file without
 * MAIL.
 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "milter/session.h"

#define ID "1B2C3D4E5F"

static const struct session_config plain = {.origin = "origin.example", .max_recipients = 3};

/* Each reading advances the clocks by a millisecond; the wall clock is also `jump` ahead. */
static int64_t ticks, jump;

static int64_t fake_wall(void)
{
	return INT64_C(1700000000000000) + ticks + jump;
}

static int64_t fake_steady(void)
{
	return ticks;
}

static int start_clock(void **state)
{
	(void)state;
	ticks = jump = 0;
	clock_inject(fake_wall, fake_steady);
	return 0;
}

static int stop_clock(void **state)
{
	(void)state;
	clock_inject(NULL, NULL);
	return 0;
}

static const struct message *end(struct session *s)
{
	const struct message *m = NULL;

	assert_int_equal(session_end(s, ID, NULL, &m), 1);
	return m;
}

static void test_times(void **state)
{
	struct session *s = session_new(&plain);
	(void)state;

	session_connect(s, NULL, 0, false);
	ticks += 1000;
	session_mail(s, "<a@b.example>", NULL);
	ticks += 2000;
	session_rcpt(s, "<r@b.example>", NULL);
	ticks += 4000;
	session_rcpt(s, "<r@b.example>", NULL);
	ticks += 8000;
	const struct message *m = end(s);
	assert_int_equal(m->mail_time - m->connect_time, 1000);
	assert_int_equal(m->rcpt_time - m->mail_time, 2000);
	assert_int_equal(m->end_time - m->rcpt_time, 12000);
	session_free(s);
}

static void test_clock_steps(void **state)
{
	static const struct {
		const char *name;
		int64_t passed, step;
		bool want;
	} cases[] = {
	    {"none", 1000, 0, false},
	    {"slewed", 1000, 4000, false},
	    {"ahead", 1000, 6000, true},
	    {"back", 1000, -6000, true},
	    {"slewed for an hour", 3600 * USEC_PER_SEC, 3 * USEC_PER_SEC, false},
	    {"stepped within an hour", 3600 * USEC_PER_SEC, 4 * USEC_PER_SEC, true},
	};
	struct session *s = session_new(&plain);
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		session_mail(s, "<a@b.example>", NULL);
		ticks += cases[i].passed;
		jump += cases[i].step;
		session_rcpt(s, "<r@b.example>", NULL);
		bool stepped = session_message(s)->flags & MESSAGE_CLOCK_STEPPED;
		case_assert(cases[i].name, stepped == cases[i].want);
	}
	session_mail(s, "<a@b.example>", NULL);
	session_rcpt(s, "<r@b.example>", NULL);
	jump += USEC_PER_SEC; /* after the first RCPT a step does no harm */
	session_rcpt(s, "<r@b.example>", NULL);
	assert_int_equal(end(s)->flags, 0);
	session_free(s);
}

/*
 * As from smtpd, if smtpd_end_of_data_restrictions refused a message and the client goes on without
 * MAIL: the first recipient of the next queue file still comes with the ID of the last one.
 */
static void test_next_file_without_mail(void **state)
{
	static const struct {
		const char *name;
		const char *given[6][2]; /* recipient and the queue ID that came with it */
		const char *id;          /* the ID at the end */
		const char *want;        /* recipients kept */
		unsigned count;          /* in all */
		bool cut;
	} cases[] = {
	    {"one message", {{"a@x", NULL}, {"b@x", "AAAAA1"}, {"c@x", "AAAAA1"}}, "AAAAA1",
		"a@x b@x c@x", 3, false},
	    {"one recipient", {{"a@x", NULL}}, "AAAAA1", "a@x", 1, false},
	    {"refused, then one recipient", {{"a@x", NULL}, {"b@x", "AAAAA1"}}, "BBBBB2", "b@x", 1,
		false},
	    {"refused, then two",
		{{"a@x", NULL}, {"b@x", "AAAAA1"}, {"c@x", "AAAAA1"}, {"d@x", "BBBBB2"}}, "BBBBB2",
		"c@x d@x", 2, false},
	    {"refused twice",
		{{"a@x", NULL}, {"b@x", "AAAAA1"}, {"c@x", "BBBBB2"}, {"d@x", "CCCCC3"}}, "CCCCC3",
		"c@x d@x", 2, false},
	    {"refused twice, then one", {{"a@x", NULL}, {"b@x", "AAAAA1"}, {"c@x", "BBBBB2"}},
		"CCCCC3", "c@x", 1, false},
	    {"the ID is known from the start", {{"a@x", "AAAAA1"}, {"b@x", "AAAAA1"}}, "AAAAA1",
		"a@x b@x", 2, false},
	    {"more than are kept, then one",
		{{"a@x", NULL}, {"b@x", "AAAAA1"}, {"c@x", "AAAAA1"}, {"d@x", "AAAAA1"}}, "BBBBB2",
		"", 1, true},
	    {"more than are kept, then two",
		{{"a@x", NULL}, {"b@x", "AAAAA1"}, {"c@x", "AAAAA1"}, {"d@x", "AAAAA1"},
		    {"e@x", "BBBBB2"}},
		"BBBBB2", "e@x", 2, true},
	    {"an ID of any length", {{"a@x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"}},
		"AAAAA1", "a@x", 1, false},
	};
	struct session *s = session_new(&plain);
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct message *m = NULL;
		struct strbuf kept = {0};

		session_mail(s, "<a@b.example>", NULL);
		for (size_t n = 0; n < COUNT_OF(cases[i].given) && cases[i].given[n][0]; n++)
			session_rcpt(s, cases[i].given[n][0], cases[i].given[n][1]);
		case_assert(cases[i].name, session_end(s, cases[i].id, NULL, &m) == 1);
		strlist_each (recipient, &m->recipients)
			strbuf_printf(&kept, "%s%s", kept.len ? " " : "", recipient);
		case_assert_text(cases[i].name, strbuf_text(&kept), cases[i].want);
		case_assert(cases[i].name, m->recipient_count == cases[i].count);
		case_assert(cases[i].name, !!(m->flags & MESSAGE_CUT_RECIPIENTS) == cases[i].cut);
		case_assert_text(cases[i].name, m->queue_id.text, cases[i].id);
		strbuf_release(&kept);
	}
	session_free(s);
}

/* The file's arrival time is that of MAIL, so the window that proves it stays the same. */
static void test_next_file_keeps_the_window(void **state)
{
	struct session *s = session_new(&plain);
	const struct message *m = NULL;
	int64_t first;
	(void)state;

	session_mail(s, "<a@b.example>", NULL);
	session_rcpt(s, "<a@x>", NULL);
	first = session_message(s)->rcpt_time;
	ticks += USEC_PER_SEC;
	session_rcpt(s, "<b@x>", "AAAAA1");
	assert_int_equal(session_end(s, "BBBBB2", NULL, &m), 1);
	assert_int_equal(m->rcpt_time, first);
	session_free(s);
}

UNIT_MAIN(cmocka_unit_test(test_next_file_without_mail),
    cmocka_unit_test_setup_teardown(test_next_file_keeps_the_window, start_clock, stop_clock),
    cmocka_unit_test_setup_teardown(test_times, start_clock, stop_clock),
    cmocka_unit_test_setup_teardown(test_clock_steps, start_clock, stop_clock))
