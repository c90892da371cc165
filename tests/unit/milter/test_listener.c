/* SPDX-License-Identifier: ISC */
/* The daemon's socket: which files are given away. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "milter/listener.h"

static int make_socket(const char *path)
{
	struct endpoint l;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(endpoint_parse(path, &l, NULL), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&l.address, sizeof(l.address)), 0);
	return fd;
}

/* Only a socket is given away, whatever is in its place. */
static void test_give(void **state)
{
	char directory[] = "/tmp/pqp-listener.XXXXXX", at[64], other[64];
	struct endpoint l;
	struct err err;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(at, sizeof(at), "%s/milter.sock", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	assert_int_equal(endpoint_parse(at, &l, NULL), 0);

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

UNIT_MAIN(cmocka_unit_test(test_give))
