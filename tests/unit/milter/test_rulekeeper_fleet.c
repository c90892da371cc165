/* SPDX-License-Identifier: ISC */
/* The fleet's rules in the daemon: in force at once, kept on disk, gone when they expire. */
#include "tests/unit/milter/rulekeeper_fixture.h"

static char allow[] = "block";

static int setup_fleet(void **state)
{
	int code = setup(state);
	struct fixture *f = *state;

	f->settings.fleet_allow = allow;
	return code;
}

static int teardown_fleet(void **state)
{
	const struct fixture *f = *state;
	char path[112];

	snprintf(path, sizeof(path), "%s/fleet-rules", f->state);
	unlink(path);
	return teardown(state);
}

static int64_t later;

static int64_t wall_later(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * USEC_PER_SEC + later;
}

static void tell(const struct fixture *f, const char *request)
{
	struct json *answer = ask(f, request);

	assert_non_null(answer);
	assert_true(json_bool(answer, "saved", false));
	json_free(answer);
}

static void test_rules(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	tell(f,
	    "{\"do\":\"rule-fleet\",\"replace\":true,\"rules\":[{\"subject\":\"a.test\",\"action\":"
	    "\"REJECT\"},{\"subject\":\"b.test\",\"action\":\"REJECT\",\"left_us\":60000000}]}");
	assert_true(refuses(f, "u@a.test", false) && refuses(f, "u@b.test", false));
	/* While the database is away. */
	open_again(f);
	assert_true(refuses(f, "u@a.test", false) && refuses(f, "u@b.test", false));
	/* The command's own changes leave them alone, and outrank them. */
	tell(f, "{\"do\":\"rule-set\",\"pattern\":\"a.test\",\"action\":\"OK\"}");
	assert_false(refuses(f, "u@a.test", false));
	tell(f, "{\"do\":\"rule-unset\",\"pattern\":\"a.test\"}");
	assert_true(refuses(f, "u@a.test", false));
	tell(f, "{\"do\":\"rule-fleet\",\"rules\":[{\"subject\":\"a.test\"}]}");
	assert_false(refuses(f, "u@a.test", false));
	/* Expiry is checked when it is asked. */
	later = 61 * USEC_PER_SEC + USEC_PER_SEC;
	clock_inject(wall_later, NULL);
	assert_false(refuses(f, "u@b.test", false));
	rulekeeper_each_second(f->keeper);
	clock_inject(NULL, NULL);
	open_again(f);
	assert_false(refuses(f, "u@b.test", false));
}

/* An agent that joins again hands over the rules in force: nothing is set anew or written. */
static void test_same_again(void **state)
{
	static const char all[] =
	    "{\"do\":\"rule-fleet\",\"replace\":true,\"rules\":[{\"subject\":\"a.test\",\"action\":"
	    "\"REJECT\",\"left_us\":60000000}]}";
	struct fixture *f = *state;
	struct stat before, after;
	char path[112];

	open_keeper(f);
	tell(f, all);
	snprintf(path, sizeof(path), "%s/fleet-rules", f->state);
	assert_int_equal(stat(path, &before), 0);
	struct ruleset *set = rulekeeper_get(f->keeper), *again;
	tell(f, all);
	again = rulekeeper_get(f->keeper);
	assert_ptr_equal(set, again);
	assert_int_equal(stat(path, &after), 0);
	assert_true(
	    before.st_ino == after.st_ino && before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
	ruleset_unref(set);
	ruleset_unref(again);
}

static void test_not_allowed(void **state)
{
	struct fixture *f = *state;
	static char nothing[] = "purge";

	f->settings.fleet_allow = nothing;
	open_keeper(f);
	assert_null(ask(f, "{\"do\":\"rule-fleet\",\"replace\":true,\"rules\":[]}"));
	assert_null(ask(f, "{\"do\":\"rule-fleet\"}"));
}

/* An unreadable file does not keep the daemon from starting; the agent sends all rules again. */
static void test_damaged(void **state)
{
	struct fixture *f = *state;
	char path[112];

	snprintf(path, sizeof(path), "%s/fleet-rules", f->state);
	write_file(path, "a.test REJECT ; at=1\n\001\002 nonsense\nb.test REJECT ; at=x\n");
	open_keeper(f);
	assert_true(refuses(f, "u@a.test", false));
	assert_false(refuses(f, "u@b.test", false));
	tell(f, "{\"do\":\"rule-fleet\",\"replace\":true,\"rules\":[]}");
	assert_false(refuses(f, "u@a.test", false));
}

#define FLEET_TEST(name) cmocka_unit_test_setup_teardown(name, setup_fleet, teardown_fleet)
UNIT_MAIN(FLEET_TEST(test_rules), FLEET_TEST(test_same_again), FLEET_TEST(test_not_allowed),
    FLEET_TEST(test_damaged))
