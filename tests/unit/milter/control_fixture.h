/* SPDX-License-Identifier: ISC */
/* The control server in this process, and a client of it. */
#ifndef PQPURGE_TESTS_MILTER_CONTROL_FIXTURE_H
#define PQPURGE_TESTS_MILTER_CONTROL_FIXTURE_H

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
#include "index/control/serve.h"
#include "milter/control/control.h"
#include "milter/flight.h"

#define PATIENCE (20 * USEC_PER_SEC)

struct fixture {
	char directory[64];
	struct control *control;
	atomic_bool held; /* requests named "slow" wait */
	atomic_int at_work;
};

static inline void put_status(void *arg, struct json *out)
{
	(void)arg;
	json_put_text(out, "key", "value");
}

/* Answers with the request's "n"; "file" adds a memory file, "slow" waits, "none" has no answer. */
static inline void work(void *arg, struct control_work *w)
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

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->held, false);
	assert_true(control_stop(f->control, PATIENCE));
	assert_int_equal(rmdir(f->directory), 0); /* empty: the socket is gone */
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

static inline int try_connect(const struct fixture *f)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", f->directory);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline struct wire dial(const struct fixture *f)
{
	struct wire w;
	int fd = -1;

	/* The socket exists before it listens. */
	WAIT_FOR(fd >= 0 || (fd = try_connect(f)) >= 0);
	wire_init(&w, fd);
	return w;
}

static inline void hang_up(struct wire *w)
{
	close(w->socket);
	wire_release(w);
}

static inline void say(const struct wire *w, const char *text)
{
	assert_int_equal(io_write_all(w->socket, text, strlen(text)), 0);
}

/* The next line; free it. *ret_fd (may be NULL): the descriptor that came with it. */
static inline struct json *hear(struct wire *w, int *ret_fd)
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

static inline bool is_silent(struct wire *w, int64_t span)
{
	struct json *line = NULL;
	int fd = -1;

	return wire_receive(w, &line, &fd, clock_steady() + span, NULL) == ERR_TIMEOUT;
}

static inline bool is_dropped(struct wire *w)
{
	struct json *line = NULL;
	int fd = -1, code;

	do
		code = wire_receive(w, &line, &fd, clock_steady() + PATIENCE, NULL);
	while (code == 1);
	return code == 0 || code == -ECONNRESET;
}

static inline void assert_ok(struct wire *w, int64_t n)
{
	struct json *line = hear(w, NULL);

	assert_true(json_bool(line, "ok", false));
	assert_int_equal(json_int(line, "n", -1), n);
	json_free(line);
}

static inline void assert_status_answers(const struct fixture *f)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
