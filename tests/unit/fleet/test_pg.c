/* SPDX-License-Identifier: ISC */
/* A hostile server: its answers must end the question, not hang the agent. */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "fleet/pg.h"

#define PATIENCE 60 /* seconds until the test is killed */

/* A login without a question, then ready. */
static const char welcome[] = "R\0\0\0\x08\0\0\0\0"
			      "Z\0\0\0\x05"
			      "I";

_Noreturn static void serve(int listener, const char *answer, size_t len)
{
	char in[4096];
	int fd = accept(listener, NULL, NULL);

	alarm(PATIENCE);
	if (fd < 0 || read(fd, in, sizeof(in)) <= 0 ||
	    write(fd, welcome, sizeof(welcome) - 1) < 0 || read(fd, in, sizeof(in)) <= 0 ||
	    write(fd, answer, len) < 0)
		_exit(1);
	while (read(fd, in, sizeof(in)) > 0)
		;
	_exit(0);
}

static int listen_in(const char *directory, struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/.s.PGSQL.5432", directory);
	assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* The result of a question that gets this answer. */
static int ask(const char *answer, size_t len)
{
	char directory[] = "/tmp/pqpurge-pg.XXXXXX", conninfo[128];
	struct sockaddr_un address;
	struct pg *pg = NULL;
	struct err err = {{0}};
	int fd, code;
	pid_t child;

	assert_non_null(mkdtemp(directory));
	fd = listen_in(directory, &address);
	child = fork();
	if (child == 0)
		serve(fd, answer, len);
	close(fd);
	snprintf(conninfo, sizeof(conninfo), "host=%s port=5432 dbname=x target_session_attrs=any",
	    directory);
	assert_int_equal(pg_open(conninfo, "mx1", 0, &pg, &err), 0);
	code = pg_await_connection(pg, &err);
	if (code < 0)
		fail_msg("%s", err.text);
	code = pg_ask(pg, "SELECT 1", NULL, 0, &err);
	code = code < 0 ? code : pg_await_answer(pg, &err);
	assert_true(code == 0 || err.text[0]);
	pg_close(pg);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(unlink(address.sun_path), 0);
	assert_int_equal(rmdir(directory), 0);
	return code;
}

static void test_answers(void **state)
{
	static const char done[] = "C\0\0\0\x0dSELECT 0\0Z\0\0\0\x05I";
	static const char late[] = "E\0\0\0\x0cSERROR\0\0H\0\0\0\x07\0\0\0";
	static const char *const copies[] = {
	    "H\0\0\0\x07\0\0\0", "G\0\0\0\x07\0\0\0", "W\0\0\0\x07\0\0\0"};

	(void)state;
	alarm(PATIENCE);
	assert_int_equal(ask(done, sizeof(done) - 1), 0);
	/* libpq hands out such a result again and again. */
	for (size_t n = 0; n < COUNT_OF(copies); n++)
		case_assert(copies[n], ask(copies[n], 8) < 0);
	assert_true(ask(late, sizeof(late) - 1) < 0);
}

UNIT_MAIN(cmocka_unit_test(test_answers))
