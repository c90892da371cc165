/* SPDX-License-Identifier: ISC */
/* Paths in hashed and flat queues, and lists of queue names. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "postfix/spool/queue.h"

static struct queue_id id_of(const char *text)
{
	struct queue_id id;

	assert_int_equal(queue_id_parse(text, strlen(text), &id), 0);
	return id;
}

static void test_paths(void **state)
{
	static const struct {
		const char *name;
		enum queue_name queue;
		unsigned depth;
		const char *id, *want;
	} cases[] = {
	    {"flat", QUEUE_HOLD, 1, "A1B2C3D4E", "hold/A1B2C3D4E"},
	    {"flat, depth ignored", QUEUE_MAILDROP, 5, "A1B2C3D4E", "maildrop/A1B2C3D4E"},
	    {"hashed", QUEUE_DEFERRED, 1, "A1B2C3D4E", "deferred/A/A1B2C3D4E"},
	    {"hashed twice", QUEUE_DEFERRED, 2, "A1B2C3D4E", "deferred/A/1/A1B2C3D4E"},
	    {"past its end", QUEUE_DEFERRED, 8, "A1B2C3", "deferred/A/1/B/2/C/3/_/_/A1B2C3"},
	    {"long", QUEUE_DEFERRED, 1, "3Pt2mN2VXxznjll", "deferred/5/3Pt2mN2VXxznjll"},
	    {"long, twice", QUEUE_DEFERRED, 2, "3Pt2mN2VXxznjll", "deferred/5/6/3Pt2mN2VXxznjll"},
	    {"long, deeper than its digits", QUEUE_DEFERRED, 7, "3Pt2mN2VXxznjll",
		"deferred/5/6/3/0/1/_/_/3Pt2mN2VXxznjll"},
	    {"long, few microseconds", QUEUE_DEFERRED, 3, "4dFVrw000zz10",
		"deferred/0/0/0/4dFVrw000zz10"},
	    {"deepest", QUEUE_DEFERRED, 16, "A1B2C3D4E",
		"deferred/A/1/B/2/C/3/D/4/E/_/_/_/_/_/_/_/A1B2C3D4E"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct postfix p = {.hashed_queues = QUEUE_DEFERRED, .hash_depth = cases[n].depth};
		struct queue_id id = id_of(cases[n].id);
		char path[QUEUE_PATH_MAX];

		queue_path(queue_word(cases[n].queue), queue_depth(&p, cases[n].queue), &id, path);
		case_assert_text(cases[n].name, path, cases[n].want);
	}
}

static void test_log_paths(void **state)
{
	struct queue_id id = id_of("A1B2C3D4E");
	char path[QUEUE_PATH_MAX];

	(void)state;
	queue_path("defer", 1, &id, path);
	assert_string_equal(path, "defer/A/A1B2C3D4E");
	queue_path("bounce", 0, &id, path);
	assert_string_equal(path, "bounce/A1B2C3D4E");
}

static void test_longest_path_fits(void **state)
{
	struct queue_id id;
	char path[QUEUE_PATH_MAX];

	(void)state;
	memset(id.text, 'A', QUEUE_ID_MAX);
	id.text[QUEUE_ID_MAX] = '\0';
	queue_path("maildrop", HASH_DEPTH_MAX, &id, path);
	assert_int_equal(strlen(path), strlen("maildrop/") + 2 * HASH_DEPTH_MAX + QUEUE_ID_MAX);
}

static void test_lists(void **state)
{
	static const struct {
		const char *name, *text;
		int code;
		unsigned bits;
	} cases[] = {
	    {"one", "deferred", 0, QUEUE_DEFERRED},
	    {"several", "deferred,hold,maildrop", 0, QUEUE_DEFERRED | QUEUE_HOLD | QUEUE_MAILDROP},
	    {"twice", "hold,hold", 0, QUEUE_HOLD},
	    {"all", "maildrop,incoming,active,deferred,hold", 0, QUEUE_ALL},
	    {"none", "", ERR_SYNTAX, 0},
	    {"unknown", "deferred,corrupt", ERR_SYNTAX, 0},
	    {"prefix", "defer", ERR_SYNTAX, 0},
	    {"longer", "holding", ERR_SYNTAX, 0},
	    {"trailing comma", "hold,", ERR_SYNTAX, 0},
	    {"case", "Hold", ERR_SYNTAX, 0},
	    {"blank", "hold, active", ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		unsigned bits = 0;
		struct err err = {{0}};

		case_assert(
		    cases[n].name, queue_parse_list(cases[n].text, &bits, &err) == cases[n].code);
		case_assert(cases[n].name, bits == cases[n].bits);
		case_assert(cases[n].name, cases[n].code == 0 || err.text[0]);
	}
}

static void test_flow_order(void **state)
{
	static const char *const words[] = {"maildrop", "incoming", "active", "deferred", "hold"};

	(void)state;
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		assert_string_equal(queue_word(queue_at(n)), words[n]);
}

static int64_t wall(void)
{
	return INT64_C(1000000) * USEC_PER_SEC;
}

/* In hold cleanup(8) may be about to set the mode. */
static void test_stuck(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		enum queue_name queue;
		int64_t age; /* since the last change of the inode, seconds */
		bool want;
	} cases[] = {
	    {"complete", S_IFREG | 0700, QUEUE_DEFERRED, 1000, false},
	    {"flags of qmgr", S_IFREG | 0750, QUEUE_DEFERRED, 1000, false},
	    {"in deferred", S_IFREG | 0600, QUEUE_DEFERRED, 100, true},
	    {"a moment ago", S_IFREG | 0600, QUEUE_DEFERRED, 5, false},
	    {"marked as corrupt", S_IFREG | 0400, QUEUE_ACTIVE, 100, true},
	    {"arriving", S_IFREG | 0600, QUEUE_INCOMING, 1000, false},
	    {"in maildrop", S_IFREG | 0600, QUEUE_MAILDROP, 1000, false},
	    {"just moved to hold", S_IFREG | 0600, QUEUE_HOLD, 5, false},
	    {"by a clock that was set back", S_IFREG | 0600, QUEUE_HOLD, -1000, false},
	    {"in hold", S_IFREG | 0600, QUEUE_HOLD, 100, true},
	    {"no file", S_IFDIR | 0600, QUEUE_DEFERRED, 1000, false},
	};

	(void)state;
	clock_inject(wall, NULL);
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		const struct stat st = {
		    .st_mode = cases[n].mode, .st_ctim.tv_sec = 1000000 - cases[n].age};

		case_assert(cases[n].name, queue_is_stuck(&st, cases[n].queue) == cases[n].want);
	}
	clock_inject(NULL, NULL);
}

UNIT_MAIN(cmocka_unit_test(test_stuck), cmocka_unit_test(test_paths),
    cmocka_unit_test(test_log_paths), cmocka_unit_test(test_longest_path_fits),
    cmocka_unit_test(test_lists), cmocka_unit_test(test_flow_order))
