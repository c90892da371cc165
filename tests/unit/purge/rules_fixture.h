/* SPDX-License-Identifier: ISC */
/* For tests of the rulebox and of blocks: directories, files, and a daemon made by the test. */
#ifndef PQPURGE_TESTS_RULES_FIXTURE_H
#define PQPURGE_TESTS_RULES_FIXTURE_H

#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "index/control/client.h"
#include "rules/rules_json.h"
#include "rules/stored.h"

#define WALL (INT64_C(1764000000) * USEC_PER_SEC)

struct fixture {
	char directory[64], file[96], state[96], stored[112], hits[112], index[96];
	struct settings settings;
	struct index_client client;
	pid_t daemon;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/pqp-box.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->file, sizeof(f->file), "%s/rules", f->directory);
	snprintf(f->state, sizeof(f->state), "%s/state", f->directory);
	snprintf(f->stored, sizeof(f->stored), "%s/rules", f->state);
	snprintf(f->hits, sizeof(f->hits), "%s/hits", f->state);
	snprintf(f->index, sizeof(f->index), "%s/index", f->directory);
	assert_int_equal(mkdir(f->state, 0700), 0);
	assert_int_equal(mkdir(f->index, 0700), 0);
	f->settings.rules_file = f->file;
	f->settings.state_directory = f->state;
	f->settings.index_directory = f->index;
	f->client.settings = &f->settings;
	*state = f;
	return 0;
}

static inline void stop_daemon(struct fixture *f)
{
	if (f->daemon <= 0)
		return;
	kill(f->daemon, SIGKILL);
	waitpid(f->daemon, NULL, 0);
	f->daemon = 0;
}

static inline int teardown(void **state)
{
	static const char *const names[] = {
	    "rules", "state/rules", "state/hits", "state/lock", "index/control.sock"};
	struct fixture *f = *state;
	char path[128];

	stop_daemon(f);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->directory, names[i]);
		unlink(path);
	}
	rmdir(f->state);
	rmdir(f->index);
	rmdir(f->directory);
	free(f);
	return 0;
}

static inline void write_text(const char *path, const char *text)
{
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

/* ---- a daemon */

/* Answers one request: returns the answer, or NULL to hang up. It may set answer_file. */
typedef struct json *daemon_answer(const struct json *request);
static int answer_file = -1; /* the memory file sent with the answer */

static inline void serve_peer(int fd, daemon_answer *answer)
{
	struct wire wire;
	struct json *request = NULL;
	int body = -1;

	wire_init(&wire, fd);
	if (wire_receive(&wire, &request, &body, INT64_MAX, NULL) == 1) {
		struct json *o = answer(request);

		if (o)
			(void)!wire_send(fd, o, answer_file, INT64_MAX);
		if (answer_file >= 0)
			close(answer_file);
		answer_file = -1;
	}
	json_free(request);
	wire_release(&wire);
}

/* The daemon listens before this returns. */
static inline void start_daemon(struct fixture *f, daemon_answer *answer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/control.sock", f->index);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 16), 0);
	f->daemon = fork();
	assert_true(f->daemon >= 0);
	for (int fd; f->daemon == 0 && (fd = accept(listener, NULL, NULL)) >= 0; close(fd))
		serve_peer(fd, answer);
	if (f->daemon == 0)
		_exit(1);
	close(listener);
}

static inline struct json *ok(void)
{
	struct json *o = json_new();

	json_put_bool(o, "ok", true);
	return o;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
