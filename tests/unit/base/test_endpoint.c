/* SPDX-License-Identifier: ISC */
/* The words that mean a socket. */
#include "tests/unit/unit.h"

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

UNIT_MAIN(cmocka_unit_test(test_parse))
