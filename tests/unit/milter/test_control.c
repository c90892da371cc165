/* SPDX-License-Identifier: ISC */
/*
 * The control server in this process: answers, work that takes long, clients that misbehave, a
 * socket that is taken away.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "index/serve.h"
#include "milter/control.h"
#include "milter/flight.h"

#define PATIENCE (20 * USEC_PER_SEC)

struct fixture {
	char directory[64];
	struct control *control;
	atomic_bool held; /* requests named "slow" wait */
	atomic_int at_work;
};

static void put_status(void *arg, struct json *out)
{
	(void)arg;
	json_put_text(out, "key", "value");
}

/* Answers with the request's "n"; "file" adds a memory file, "slow" waits, "none" has no answer. */
static void work(void *arg, struct control_work *w)
{
	struct fixture *f = arg;
	const char *what = json_text(w->request, "do");

	atomic_fetch_add(&f->at_work, 1);
	while (strcmp(what, "slow") == 0 && atomic_load(&f->held))
		usleep(1000);
	if (strcmp(what, "file") == 0 || strcmp(what, "names") == 0)
		w->file = io_sealed("content", 7);
	if (strcmp(what, "none") != 0) {
		w->answer = json_new();
		json_put_bool(w->answer, "ok", true);
		json_put_int(w->answer, "n", json_int(w->request, "n", -1));
		json_put_bool(w->answer, "body", w->body >= 0);
	}
	atomic_fetch_sub(&f->at_work, 1);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;

	assert_non_null(f);
	signal(SIGPIPE, SIG_IGN);
	snprintf(f->directory, sizeof(f->directory), "/tmp/pqp-control.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	atomic_store(&f->held, true);
	const struct control_config control = {
	    .directory = f->directory, .status = put_status, .work = work, .arg = f};
	assert_int_equal(control_start(&f->control, &control, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->held, false);
	assert_true(control_stop(f->control, PATIENCE));
	assert_int_equal(rmdir(f->directory), 0); /* the socket is gone */
	free(f);
	return 0;
}

#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		int64_t wait_end = clock_steady() + PATIENCE;                                      \
		while (!(condition) && clock_steady() < wait_end)                                  \
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);                   \
		assert_true(condition);                                                            \
	} while (0)

/* ---- a client */

static int try_connect(const struct fixture *f)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", f->directory);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct wire dial(const struct fixture *f)
{
	struct wire w;
	int fd = -1;

	/* The socket is there before it listens. */
	WAIT_FOR(fd >= 0 || (fd = try_connect(f)) >= 0);
	wire_init(&w, fd);
	return w;
}

static void hang_up(struct wire *w)
{
	close(w->socket);
	wire_release(w);
}

static void say(const struct wire *w, const char *text)
{
	assert_int_equal(io_write_all(w->socket, text, strlen(text)), 0);
}

/* The next line; free it. *ret_fd (may be NULL) is what came with it. */
static struct json *hear(struct wire *w, int *ret_fd)
{
	struct json *line = NULL;
	struct err err = {{0}};
	int fd = -1;

	assert_int_equal(wire_receive(w, &line, &fd, clock_steady() + PATIENCE, &err), 1);
	if (ret_fd)
		*ret_fd = fd;
	else
		assert_int_equal(fd, -1);
	return line;
}

static bool is_silent(struct wire *w, int64_t span)
{
	struct json *line = NULL;
	int fd = -1;

	return wire_receive(w, &line, &fd, clock_steady() + span, NULL) == ERR_TIMEOUT;
}

static bool is_dropped(struct wire *w)
{
	struct json *line = NULL;
	int fd = -1, code;

	do
		code = wire_receive(w, &line, &fd, clock_steady() + PATIENCE, NULL);
	while (code == 1);
	return code == 0 || code == -ECONNRESET;
}

static void assert_ok(struct wire *w, int64_t n)
{
	struct json *line = hear(w, NULL);

	assert_true(json_bool(line, "ok", false));
	assert_int_equal(json_int(line, "n", -1), n);
	json_free(line);
}

static void assert_error(struct wire *w)
{
	struct json *line = hear(w, NULL);

	assert_non_null(json_text(line, "error"));
	assert_non_null(json_text(line, "text"));
	json_free(line);
}

static void assert_status_answers(const struct fixture *f)
{
	struct wire w = dial(f);
	struct json *line;

	say(&w, "{\"do\":\"status\"}\n");
	line = hear(&w, NULL);
	assert_true(json_bool(line, "ok", false));
	assert_string_equal(json_text(line, "key"), "value");
	json_free(line);
	hang_up(&w);
}

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

/* The index's requests are announced, for they may take long. */
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

/* Answered when what was in flight has ended, whatever comes in the meantime; others are served. */
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

/* One that waits and goes away leaves nothing behind. */
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

/* Its answer goes to nobody, also where another client has its place by then. */
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

/* Clients that ask and go, over and over, do not fill the house with threads. */
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

static struct control *left_behind; /* on purpose, as the daemon does before it ends */

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

/* ---- the socket */

static void test_socket_comes_back(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/control.sock", f->directory);
	assert_int_equal(unlink(path), 0);
	assert_status_answers(f);
}

/* Another daemon's, that lives, is left alone. */
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(TEST(test_status), TEST(test_several_requests_at_once),
    TEST(test_file_comes_with_its_answer), TEST(test_working),
    TEST(test_body_comes_with_its_request), TEST(test_no_memory_for_an_answer), TEST(test_settle),
    TEST(test_settle_without_an_asker), TEST(test_slow_work_holds_nobody),
    TEST(test_client_gone_before_its_answer), TEST(test_work_is_capped),
    TEST(test_stop_while_work_hangs), TEST(test_nonsense), TEST(test_line_too_long),
    TEST(test_half_a_line_hinders_nobody), TEST(test_client_that_does_not_read),
    TEST(test_socket_comes_back), TEST(test_socket_of_another),
    cmocka_unit_test(test_too_long_a_directory))
