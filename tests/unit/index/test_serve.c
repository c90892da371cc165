/* SPDX-License-Identifier: ISC */
/* Requests of the control protocol, as a command's child answers them from the index. */
#include "tests/unit/index/fixture.h"

#include "base/json.h"
#include "index/control/serve.h"

/* Its bounds, and the bytes of the answer. */
static void test_groups(void **state)
{
	static const struct {
		const char *request;
		bool good;
	} cases[] = {
	    {"{\"do\":\"groups\",\"by\":\"sender\"}", true},
	    {"{\"do\":\"groups\",\"by\":\"client\",\"limit\":0,\"like\":\"1\"}", true},
	    {"{\"do\":\"groups\",\"by\":\"login\",\"limit\":500}", true},
	    {"{\"do\":\"groups\"}", false},
	    {"{\"do\":\"groups\",\"by\":7}", false},
	    {"{\"do\":\"groups\",\"by\":\"hostname\"}", false},
	    {"{\"do\":\"groups\",\"by\":\"sender\",\"limit\":-1}", false},
	    {"{\"do\":\"groups\",\"by\":\"sender\",\"limit\":501}", false},
	};
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);

	(void)state;
	fixture_record(ix, &(struct mail){.usec = 1, .inode = 100, .time = 1000});
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json *request = NULL, *answer = NULL;
		struct served served;
		struct bytes out = {0};
		int code;

		assert_int_equal(
		    json_parse(cases[i].request, strlen(cases[i].request), &request, NULL), 0);
		case_assert(cases[i].request, serve_is_mine(request));
		code = serve_here(ix, request, EMPTY_SPAN, NEVER, &out, &served, NULL);
		case_assert(cases[i].request, code == (cases[i].good ? 0 : ERR_SYNTAX));
		if (code == 0) {
			case_assert(cases[i].request,
			    json_parse((const char *)out.at, out.len, &answer, NULL) == 0);
			case_assert(cases[i].request, json_int(answer, "count", -1) == 1);
			case_assert(cases[i].request, json_int(answer, "now", 0) > 0);
			case_assert(cases[i].request, json_int(answer, "caught_up", -1) == 0);
		}
		json_free(answer);
		json_free(request);
		bytes_release(&out);
	}
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_groups))
