/* SPDX-License-Identifier: ISC */
/* The words that mean a socket. */
#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "base/endpoint.h"

static void test_parse(void **state)
{
	static const struct {
		const char *socket;
		int want; /* kind, or -1 */
	} cases[] = {
	    {"unix:/run/x/milter.sock", ENDPOINT_UNIX},
	    {"local:/run/x/milter.sock", ENDPOINT_UNIX},
	    {"/run/x/milter.sock", ENDPOINT_UNIX},
	    {"inet:8891@127.0.0.1", ENDPOINT_INET},
	    {"inet6:8891@[::1]", ENDPOINT_INET},
	    {"fd:3", ENDPOINT_FD},
	    {"unix:milter.sock", -1},
	    {"inet:127.0.0.1:8891", -1},
	    {"inet:0@127.0.0.1", -1},
	    {"fd:x", -1},
	    {"tcp:8891", -1},
	    {"", -1},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct endpoint l = {0};
		struct err err = {{0}};
		int code = endpoint_parse(cases[n].socket, &l, &err);

		if (cases[n].want < 0)
			case_assert(cases[n].socket, code == ERR_CONFIG && err.text[0]);
		else
			case_assert(cases[n].socket, code == 0 && (int)l.kind == cases[n].want);
	}
}

/* Nobody notices the question: nothing is there to be accepted after it. */
static void test_heard(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), other;

	(void)state;
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/pqpurge-endpoint.%ld", (long)getpid());
	assert_false(endpoint_is_heard(&at));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_true(endpoint_is_heard(&at));
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	other = accept(fd, NULL, NULL);
	assert_true(other < 0 && errno == EAGAIN);
	close(fd);
	assert_false(endpoint_is_heard(&at));
	unlink(at.sun_path);
}

UNIT_MAIN(cmocka_unit_test(test_parse), cmocka_unit_test(test_heard))
