/* SPDX-License-Identifier: ISC */
/* The daemon's socket: which words mean one, and what is given away. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "milter/listener.h"

static void test_parse(void **state)
{
	static const struct {
		const char *socket;
		int want; /* kind, or -1 */
	} cases[] = {
	    {"unix:/run/x/milter.sock", LISTENER_UNIX},
	    {"local:/run/x/milter.sock", LISTENER_UNIX},
	    {"/run/x/milter.sock", LISTENER_UNIX},
	    {"inet:8891@127.0.0.1", LISTENER_INET},
	    {"inet6:8891@[::1]", LISTENER_INET},
	    {"fd:3", LISTENER_FD},
	    {"unix:milter.sock", -1},
	    {"inet:127.0.0.1:8891", -1},
	    {"inet:0@127.0.0.1", -1},
	    {"fd:x", -1},
	    {"tcp:8891", -1},
	    {"", -1},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct listener l = {0};
		struct err err = {{0}};
		int code = listener_parse(cases[n].socket, &l, &err);

		if (cases[n].want < 0)
			case_assert(cases[n].socket, code == ERR_CONFIG && err.text[0]);
		else
			case_assert(cases[n].socket, code == 0 && (int)l.kind == cases[n].want);
	}
}

static int make_socket(const char *path)
{
	struct listener l;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(listener_parse(path, &l, NULL), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&l.address, sizeof(l.address)), 0);
	return fd;
}

/* Only a socket is given away, whatever stands in its place. */
static void test_give(void **state)
{
	char directory[] = "/tmp/pqp-listener.XXXXXX", at[64], other[64];
	struct listener l;
	struct err err;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(at, sizeof(at), "%s/milter.sock", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	assert_int_equal(listener_parse(at, &l, NULL), 0);

	fd = make_socket(at);
	assert_int_equal(listener_give(&l, getuid(), getgid(), &err), 0);
	assert_int_equal(rename(at, other), 0);
	assert_int_equal(symlink(other, at), 0);
	assert_true(listener_give(&l, getuid(), getgid(), &err) < 0);
	unlink(at);
	close(fd);

	fd = open(at, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_true(listener_give(&l, getuid(), getgid(), &err) < 0);
	close(fd);
	unlink(at);
	unlink(other);
	rmdir(directory);
}

UNIT_MAIN(cmocka_unit_test(test_parse), cmocka_unit_test(test_give))
