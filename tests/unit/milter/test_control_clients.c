/* SPDX-License-Identifier: ISC */
/*
 * Clients of the control socket that misbehave, and work that takes long: nobody else waits for
 * them.
 */
#include "tests/unit/milter/control_fixture.h"

static void assert_error(struct wire *w)
{
	struct json *line = hear(w, NULL);

	assert_non_null(json_text(line, "error"));
	assert_non_null(json_text(line, "text"));
	json_free(line);
}

/* ---- work that takes long */

static void test_slow_work_holds_nobody(void **state)
{
	struct fixture *f = *state;
	struct wire slow = dial(f), quick = dial(f);

	say(&slow, "{\"do\":\"slow\",\"n\":1}\n");
	WAIT_FOR(f->at_work == 1);
	assert_status_answers(f);
	say(&quick, "{\"do\":\"a\",\"n\":2}\n");
	assert_ok(&quick, 2);
	assert_true(is_silent(&slow, 1000));
	atomic_store(&f->held, false);
	assert_ok(&slow, 1);
	hang_up(&slow);
	hang_up(&quick);
}

/* Its answer goes to nobody, even if another client has its place by then. */
static void test_client_gone_before_its_answer(void **state)
{
	struct fixture *f = *state;
	struct wire w = dial(f), next;

	say(&w, "{\"do\":\"slow\",\"n\":1}\n");
	WAIT_FOR(f->at_work == 1);
	hang_up(&w);
	assert_status_answers(f);
	next = dial(f);
	say(&next, "{\"do\":\"a\",\"n\":2}\n");
	assert_ok(&next, 2);
	atomic_store(&f->held, false);
	WAIT_FOR(f->at_work == 0);
	say(&next, "{\"do\":\"a\",\"n\":3}\n");
	assert_ok(&next, 3);
	hang_up(&next);
}

/* Clients that ask and go, again and again, do not accumulate threads. */
static void test_work_is_capped(void **state)
{
	struct fixture *f = *state;
	struct wire w;

	for (int i = 0; i < CONTROL_AT_WORK_MAX; i++) {
		w = dial(f);
		say(&w, "{\"do\":\"slow\"}\n");
		WAIT_FOR(f->at_work == i + 1);
		hang_up(&w);
	}
	w = dial(f);
	say(&w, "{\"do\":\"slow\"}\n");
	assert_error(&w);
	assert_status_answers(f);
	atomic_store(&f->held, false);
	WAIT_FOR(f->at_work == 0);
	say(&w, "{\"do\":\"slow\",\"n\":5}\n");
	assert_ok(&w, 5);
	hang_up(&w);
}

static struct control *left_behind; /* on purpose: the daemon does so before it ends */

static void test_stop_while_work_hangs(void **state)
{
	struct fixture *f = *state;
	struct wire w = dial(f);

	say(&w, "{\"do\":\"slow\"}\n");
	WAIT_FOR(f->at_work == 1);
	assert_false(control_stop(f->control, 20000));
	hang_up(&w);
	atomic_store(&f->held, false);
	WAIT_FOR(f->at_work == 0);
	left_behind = f->control;
	const struct control_config control = {
	    .directory = f->directory, .status = put_status, .work = work, .arg = f};
	assert_int_equal(control_start(&f->control, &control, NULL), 0); /* for the teardown */
	assert_ptr_not_equal(left_behind, f->control);
}

/* ---- clients that misbehave */

static void test_nonsense(void **state)
{
	static const char *const lines[] = {"\n", "what?\n", "[]\n", "{\"do\":\n", "\xff\n"};
	struct wire w = dial(*state);

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		say(&w, lines[i]);
		assert_error(&w);
	}
	say(&w, "{\"do\":\"a\",\"n\":1}\n");
	assert_ok(&w, 1);
	hang_up(&w);
}

static void test_line_too_long(void **state)
{
	struct wire w = dial(*state);
	char *line = malloc(WIRE_LINE_MAX + 2);

	assert_non_null(line);
	memset(line, ' ', WIRE_LINE_MAX + 1);
	line[WIRE_LINE_MAX + 1] = '\0';
	(void)!io_write_all(w.socket, line, WIRE_LINE_MAX + 1);
	assert_true(is_dropped(&w));
	free(line);
	hang_up(&w);
	assert_status_answers(*state);
}

static void test_half_a_line_hinders_nobody(void **state)
{
	struct wire all[CONTROL_PEERS_MAX - 1];

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		all[i] = dial(*state);
		say(&all[i], i % 2 ? "{" : "{\"do\":\"status\"}");
	}
	assert_status_answers(*state);
	for (size_t i = 0; i < COUNT_OF(all); i++)
		hang_up(&all[i]);
}

static void test_client_that_does_not_read(void **state)
{
	static const char line[] = "{\"do\":\"status\"}\n";
	struct wire w = dial(*state);
	int64_t until = clock_steady() + PATIENCE;

	while (send(w.socket, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ||
	       errno == EAGAIN)
		assert_true(clock_steady() < until);
	hang_up(&w);
	assert_status_answers(*state);
}

UNIT_MAIN(TEST(test_slow_work_holds_nobody), TEST(test_client_gone_before_its_answer),
    TEST(test_work_is_capped), TEST(test_stop_while_work_hangs), TEST(test_nonsense),
    TEST(test_line_too_long), TEST(test_half_a_line_hinders_nobody),
    TEST(test_client_that_does_not_read))
