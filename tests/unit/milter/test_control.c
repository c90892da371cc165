/* SPDX-License-Identifier: ISC */
/* The control server in this process: answers, clients that misbehave, a socket that is taken away.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "milter/control.h"
#include "milter/flight.h"

#define PATIENCE (20 * USEC_PER_SEC)

struct fixture {
	char directory[64];
	struct settings settings;
	struct writer *writer;
	struct control *control;
	atomic_int reloads, seconds, rules;
};

static void rules_changed(void *arg, struct rule_list *rules)
{
	struct fixture *f = arg;

	f->rules = (int)rules->count;
	rule_list_release(rules);
}

static void put_status(void *arg, struct strbuf *out)
{
	(void)arg;
	strbuf_puts(out, "key=value\n");
}

static void reload(void *arg)
{
	((struct fixture *)arg)->reloads++;
}

static void each_second(void *arg)
{
	((struct fixture *)arg)->seconds++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	signal(SIGPIPE, SIG_IGN);
	snprintf(f->directory, sizeof(f->directory), "/tmp/pqp-control.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	f->settings = (struct settings){.index_directory = f->directory,
	    .index_map_size = INT64_C(16) << 20,
	    .commit_timeout = PATIENCE};
	const struct writer_config writer = {
	    .settings = &f->settings, .rules_changed = rules_changed, .arg = f};
	assert_int_equal(writer_start(&f->writer, &writer, &err), 0);
	const struct control_config control = {
	    .directory = f->directory,
	    .writer = f->writer,
	    .status = put_status,
	    .reload = reload,
	    .each_second = each_second,
	    .arg = f,
	};
	assert_int_equal(control_start(&f->control, &control, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {
	    "data.mdb", "lock.mdb", "lock", "run", "journal", "control.sock"};
	struct fixture *f = *state;
	char path[128];

	control_stop(f->control);
	if (!writer_stop(f->writer, PATIENCE))
		return -1;
	writer_free(f->writer);
	control_free(f->control);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->directory, names[i]);
		unlink(path);
	}
	rmdir(f->directory);
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

static int dial(const struct fixture *f)
{
	int fd = -1;

	/* The socket is there before it listens. */
	WAIT_FOR(fd >= 0 || (fd = try_connect(f)) >= 0);
	return fd;
}

/* Sends a request and reads its reply, which lives in *frame. */
static struct reply ask(int fd, const struct bytes *request, struct bytes *frame)
{
	struct reply reply;

	assert_int_equal(io_frame_write(fd, bytes_span(request), clock_steady() + PATIENCE), 0);
	assert_int_equal(io_frame_read(fd, frame, 1 << 20, clock_steady() + PATIENCE), 1);
	assert_int_equal(reply_decode(bytes_span(frame), &reply), 0);
	return reply;
}

static void assert_status_answers(const struct fixture *f)
{
	struct bytes request = {0}, frame = {0};
	int fd = dial(f);

	request_status(&request);
	struct reply reply = ask(fd, &request, &frame);
	assert_int_equal(reply.code, 0);
	assert_string_equal(reply.status, "key=value\n");
	close(fd);
	bytes_release(&request);
	bytes_release(&frame);
}

static void test_status(void **state)
{
	assert_status_answers(*state);
}

static void test_request_reaches_the_writer(void **state)
{
	struct fixture *f = *state;
	struct bytes request = {0}, frame = {0};
	struct rule rule;
	int fd = dial(f);

	assert_int_equal(rule_make("bad.example", RULE_REJECT, NULL, &rule, NULL), 0);
	request_rule_set(&request, &rule);
	rule_release(&rule);
	for (int i = 0; i < 3; i++) { /* one connection, several requests */
		struct reply reply = ask(fd, &request, &frame);
		assert_int_equal(reply.code, 0);
		assert_int_equal(reply.value, i > 0);
		assert_true(reply.saved);
		assert_int_equal(f->rules, 1);
	}
	close(fd);
	bytes_release(&request);
	bytes_release(&frame);
}

/* Answered when what was in flight has ended, whatever comes in the meantime; others are served. */
static void test_settle(void **state)
{
	struct fixture *f = *state;
	struct bytes request = {0}, frame = {0};
	unsigned before = flight_begin();
	int fd = dial(f);

	request_settle(&request);
	assert_int_equal(io_frame_write(fd, bytes_span(&request), clock_steady() + PATIENCE), 0);
	assert_int_equal(io_frame_read(fd, &frame, 1 << 20, clock_steady() + 100000), ERR_TIMEOUT);
	assert_status_answers(f);
	unsigned after = flight_begin();
	flight_end(before);
	assert_int_equal(io_frame_read(fd, &frame, 1 << 20, clock_steady() + PATIENCE), 1);
	flight_end(after);
	struct reply reply = ask(fd, &request, &frame);
	assert_int_equal(reply.code, 0);
	close(fd);
	bytes_release(&request);
	bytes_release(&frame);
}

/* One that waits and goes away leaves nothing behind. */
static void test_settle_without_an_asker(void **state)
{
	struct fixture *f = *state;
	struct bytes request = {0};
	unsigned before = flight_begin();

	request_settle(&request);
	for (int i = 0; i < 40; i++) {
		int fd = dial(f);

		assert_int_equal(
		    io_frame_write(fd, bytes_span(&request), clock_steady() + PATIENCE), 0);
		close(fd);
	}
	assert_status_answers(f);
	flight_end(before);
	assert_status_answers(f);
	bytes_release(&request);
}

static void test_client_gone_before_its_answer(void **state)
{
	struct fixture *f = *state;
	struct bytes request = {0};

	request_rule_unset(&request, "nobody.example");
	for (int i = 0; i < 50; i++) {
		int fd = try_connect(f);

		assert_true(fd >= 0);
		assert_int_equal(
		    io_frame_write(fd, bytes_span(&request), clock_steady() + PATIENCE), 0);
		close(fd);
	}
	assert_status_answers(f);
	bytes_release(&request);
}

static void test_frame_too_long(void **state)
{
	struct fixture *f = *state;
	struct bytes head = {0};
	char byte;
	int fd = dial(f);

	bytes_put_u32(&head, REQUEST_MAX + 1);
	assert_int_equal(write(fd, head.at, head.len), (ssize_t)head.len);
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
	bytes_release(&head);
}

static void test_half_a_frame_hinders_nobody(void **state)
{
	struct fixture *f = *state;
	int fds[CONTROL_PEERS_MAX - 1];
	struct bytes head = {0};

	bytes_put_u32(&head, 100);
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = dial(f);
		assert_int_equal(
		    write(fds[i], head.at, i % 2 ? head.len : 1), i % 2 ? (ssize_t)head.len : 1);
	}
	assert_status_answers(f);
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		close(fds[i]);
	bytes_release(&head);
}

static void test_signal(void **state)
{
	struct fixture *f = *state;

	kill(getpid(), SIGUSR1);
	WAIT_FOR(f->reloads == 1);
}

static void test_socket_comes_back(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/control.sock", f->directory);
	assert_int_equal(unlink(path), 0);
	assert_status_answers(f);
	assert_true(f->seconds > 0);
}

static void test_too_long_a_directory(void **state)
{
	struct fixture *f = *state;
	char directory[128];
	struct control *control = NULL;
	struct err err;

	memset(directory, 'x', sizeof(directory));
	directory[0] = '/';
	directory[100] = '\0';
	const struct control_config config = {.directory = directory, .writer = f->writer};
	assert_int_equal(control_start(&control, &config, &err), ERR_CONFIG);
	assert_null(control);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(TEST(test_status), TEST(test_request_reaches_the_writer),
    TEST(test_client_gone_before_its_answer), TEST(test_settle), TEST(test_settle_without_an_asker),
    TEST(test_frame_too_long), TEST(test_half_a_frame_hinders_nobody), TEST(test_signal),
    TEST(test_socket_comes_back), TEST(test_too_long_a_directory))
