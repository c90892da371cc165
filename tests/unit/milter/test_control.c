/* SPDX-License-Identifier: ISC */
/* The control server: its answers, and a socket that is taken away. */
#include "tests/unit/milter/control_fixture.h"

/* ---- answers */

static void test_status(void **state)
{
	assert_status_answers(*state);
}

static void test_several_requests_at_once(void **state)
{
	struct wire w = dial(*state);

	say(&w, "{\"do\":\"a\",\"n\":1}\n{\"do\":\"b\",\"n\":2}\n{\"do\":\"settle\"}\n"
		"{\"do\":\"c\",\"n\":3}\n{\"do\":");
	assert_ok(&w, 1);
	assert_ok(&w, 2);
	assert_ok(&w, -1);
	assert_ok(&w, 3);
	say(&w, "\"d\",\"n\":4}\n");
	assert_ok(&w, 4);
	hang_up(&w);
}

static void test_file_comes_with_its_answer(void **state)
{
	struct wire w = dial(*state);
	struct blob blob = {0};
	struct json *line;
	int fd = -1;

	say(&w, "{\"do\":\"file\"}\n");
	line = hear(&w, &fd);
	assert_true(json_bool(line, "ok", false));
	assert_int_equal(wire_map(fd, &blob, NULL), 0);
	assert_int_equal(blob.len, 7);
	assert_memory_equal(blob.at, "content", 7);
	blob_release(&blob);
	close(fd);
	json_free(line);
	hang_up(&w);
}

/* The index's requests are announced, as they may take long. */
static void test_working(void **state)
{
	struct wire w = dial(*state);
	struct json *line;
	int fd = -1;

	say(&w, "{\"do\":\"names\"}\n");
	line = hear(&w, NULL);
	assert_true(json_bool(line, "working", false));
	json_free(line);
	line = hear(&w, &fd);
	assert_true(json_bool(line, "ok", false));
	assert_true(fd >= 0);
	close(fd);
	json_free(line);
	hang_up(&w);
}

static void test_body_comes_with_its_request(void **state)
{
	struct wire w = dial(*state);
	struct json *line = json_new();
	int body = io_sealed("x", 1);

	json_put_text(line, "do", "a");
	assert_int_equal(wire_send(w.socket, line, body, clock_steady() + PATIENCE), 0);
	close(body);
	line = hear(&w, NULL);
	assert_true(json_bool(line, "body", false));
	json_free(line);
	hang_up(&w);
}

static void test_no_memory_for_an_answer(void **state)
{
	struct wire w = dial(*state);

	say(&w, "{\"do\":\"none\"}\n");
	assert_true(is_dropped(&w));
	hang_up(&w);
	assert_status_answers(*state);
}

/* Answered once the messages then in flight have ended, whatever comes meanwhile; others are
 * served. */
static void test_settle(void **state)
{
	struct fixture *f = *state;
	unsigned before = flight_begin();
	struct wire w = dial(f);

	say(&w, "{\"do\":\"settle\"}\n");
	assert_true(is_silent(&w, 100000));
	assert_status_answers(f);
	unsigned after = flight_begin();
	flight_end(before);
	assert_ok(&w, -1);
	flight_end(after);
	say(&w, "{\"do\":\"settle\"}\n");
	assert_ok(&w, -1);
	hang_up(&w);
}

/* A client that goes while it waits leaves nothing behind. */
static void test_settle_without_an_asker(void **state)
{
	struct fixture *f = *state;
	unsigned before = flight_begin();

	for (int i = 0; i < 40; i++) {
		struct wire w = dial(f);

		say(&w, "{\"do\":\"settle\"}\n");
		hang_up(&w);
	}
	assert_status_answers(f);
	flight_end(before);
	assert_status_answers(f);
}

/* ---- the socket */

static void test_socket_comes_back(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/control.sock", f->directory);
	assert_int_equal(unlink(path), 0);
	assert_status_answers(f);
}

/* The socket of another running daemon is left alone. */
static void test_socket_of_another(void **state)
{
	struct fixture *f = *state;
	const struct control_config config = {
	    .directory = f->directory, .status = put_status, .work = work, .arg = f};
	struct control *second = NULL;

	assert_int_equal(control_start(&second, &config, NULL), 0);
	assert_status_answers(f);
	assert_true(control_stop(second, PATIENCE));
	assert_status_answers(f);
}

static void test_too_long_a_directory(void **state)
{
	char directory[128];
	struct control *control = NULL;
	struct err err;

	(void)state;
	memset(directory, 'x', sizeof(directory));
	directory[0] = '/';
	directory[100] = '\0';
	const struct control_config config = {.directory = directory};
	assert_int_equal(control_start(&control, &config, &err), ERR_CONFIG);
	assert_null(control);
	assert_true(control_stop(NULL, 0));
}

UNIT_MAIN(TEST(test_status), TEST(test_several_requests_at_once),
    TEST(test_file_comes_with_its_answer), TEST(test_working),
    TEST(test_body_comes_with_its_request), TEST(test_no_memory_for_an_answer), TEST(test_settle),
    TEST(test_settle_without_an_asker), TEST(test_socket_comes_back), TEST(test_socket_of_another),
    cmocka_unit_test(test_too_long_a_directory))
