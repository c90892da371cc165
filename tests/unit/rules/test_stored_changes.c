/* SPDX-License-Identifier: ISC */
/* Changing the stored rules: the whole new file or the old one, one writer at a time. */
#include "tests/unit/rules/stored_fixture.h"

static int set(const char *line, int64_t expires, struct err *err)
{
	struct rule r;
	int rc;

	assert_int_equal(rule_parse(line, &r, NULL), 0);
	r.set_time = 5 * SECOND;
	r.expires = expires;
	rc = stored_change(directory, r.subject, &r, 10 * SECOND, false, err);
	rule_release(&r);
	return rc;
}

/* All rules for the same subject go at once, however they got there. */
static void test_drop(void **state)
{
	struct stored s =
	    parse("login:Bob OK\na.example OK ; until=5\nlogin:bob HOLD\nb.example OK\n");

	(void)state;
	assert_int_equal(stored_drop(&s.rules, "login:BOB", 10 * SECOND, true), 0);
	assert_int_equal(s.rules.count, 4);
	assert_int_equal(stored_drop(&s.rules, "login:BOB", 10 * SECOND, false), 1);
	assert_int_equal(s.rules.count, 2);
	assert_int_equal(stored_drop(&s.rules, "a.example", 10 * SECOND, false), 0); /* expired */
	assert_int_equal(s.rules.count, 1);
	assert_string_equal(s.rules.list[0].subject, "b.example");
	stored_release(&s);
}

static void put_file(const char *text)
{
	FILE *f = fopen(path_of(STORED_FILE), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct stored read_all(void)
{
	struct stored s = {0};
	struct err err = {{0}};

	if (stored_read(directory, STORED_FILE, &s, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static void test_set_and_unset(void **state)
{
	struct err err = {{0}};
	struct stored s;
	struct stat st;

	(void)state;
	s = read_all();
	assert_int_equal(s.rules.count, 0);
	put_file("# mine\nrubbish\nold.example REJECT ; until=9\nlogin:Bob OK\n");
	assert_int_equal(set("bad.example REJECT", 0, &err), 0);
	assert_int_equal(set("bad.example HOLD", 11 * SECOND, &err), 1);
	assert_int_equal(set("login:bob REJECT", 0, &err), 1);
	s = read_all();
	assert_int_equal(s.rules.count, 2); /* the expired one is gone */
	assert_string_equal(s.rules.list[0].subject, "bad.example");
	assert_int_equal(s.rules.list[0].action, RULE_HOLD);
	assert_string_equal(s.rules.list[1].subject, "login:bob");
	assert_int_equal(s.damaged, 1);
	stored_release(&s);
	assert_int_equal(stat(path_of(STORED_FILE), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(
	    stored_change(directory, "bad.example", NULL, 10 * SECOND, false, &err), 1);
	assert_int_equal(
	    stored_change(directory, "bad.example", NULL, 10 * SECOND, false, &err), 0);
	/* An expired rule counts as absent when it is set anew or removed. */
	put_file("old.example REJECT ; until=9\n");
	assert_int_equal(set("old.example REJECT", 0, &err), 0);
	put_file("old.example REJECT ; until=9\n");
	assert_int_equal(
	    stored_change(directory, "old.example", NULL, 10 * SECOND, false, &err), 0);
	assert_int_equal(access(path_of("rules.new"), F_OK), -1);
}

/* An unreadable file is not overwritten, and none is lost if writing fails. */
static void test_faults(void **state)
{
	struct err err = {{0}};
	struct rlimit before, none;
	struct stored s;

	(void)state;
	put_file("old.example REJECT\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(set("bad.example REJECT", 0, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(err.text, "failed to write"));
	s = read_all();
	assert_int_equal(s.rules.count, 1);
	assert_string_equal(s.rules.list[0].subject, "old.example");
	stored_release(&s);
	assert_int_equal(access(path_of("rules.new"), F_OK), -1);

	assert_int_equal(unlink(path_of(STORED_FILE)), 0);
	assert_int_equal(mkdir(path_of(STORED_FILE), 0700), 0);
	assert_int_equal(set("bad.example REJECT", 0, &err), -EISDIR);
	assert_int_equal(rmdir(path_of(STORED_FILE)), 0);
	assert_int_equal(
	    stored_change("/nonexistent", "bad.example", NULL, 10 * SECOND, false, &err), -ENOENT);
}

/* Two commands at once: no change is lost. */
static void test_beside_each_other(void **state)
{
	pid_t children[4];
	struct stored s;

	(void)state;
	unlink(path_of(STORED_FILE));
	for (unsigned c = 0; c < COUNT_OF(children); c++) {
		children[c] = fork();
		assert_true(children[c] >= 0);
		for (unsigned i = 0; children[c] == 0 && i < 10; i++) {
			char line[64];

			snprintf(line, sizeof(line), "c%u-%u.example REJECT", c, i);
			if (set(line, 0, NULL) != 0)
				_exit(1);
		}
		if (children[c] == 0)
			_exit(0);
	}
	for (unsigned c = 0; c < COUNT_OF(children); c++) {
		int status;

		assert_int_equal(waitpid(children[c], &status, 0), children[c]);
		assert_int_equal(status, 0);
	}
	s = read_all();
	assert_int_equal(s.rules.count, 40);
	stored_release(&s);
}

/* The daemon's lock keeps commands out, and names its owner. */
static void test_locked(void **state)
{
	struct err err = {{0}};
	int fd = -1, other = -1;

	(void)state;
	assert_int_equal(stored_lock(directory, 0, &fd, &err), 0);
	assert_int_equal(pwrite(fd, "4711\n", 5, 0), 5);
	assert_int_equal(stored_lock(directory, 0, &other, &err), ERR_LOCKED);
	assert_non_null(strstr(err.text, "process 4711"));
	close(fd);
	assert_int_equal(stored_lock(directory, 0, &fd, &err), 0);
	close(fd);
	unlink(path_of(STORED_LOCK));
	assert_int_equal(symlink("/dev/null", path_of(STORED_LOCK)), 0);
	assert_int_equal(stored_lock(directory, 0, &fd, &err), -ELOOP);
	unlink(path_of(STORED_LOCK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_drop),
	    cmocka_unit_test(test_set_and_unset),
	    cmocka_unit_test(test_faults),
	    cmocka_unit_test(test_beside_each_other),
	    cmocka_unit_test(test_locked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
