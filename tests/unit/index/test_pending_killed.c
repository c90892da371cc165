/* SPDX-License-Identifier: ISC */
/* What a killed owner left pending is not lost, and what lies in its place does no harm. */
#include "tests/unit/index/pending_fixture.h"

/* A child that pends messages first to last - 1 and is killed. */
static void kill_pending(const char *dir, unsigned first, unsigned last)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct told told = {0};
		struct index *ix = opened(dir, &told);

		for (unsigned n = first; n < last; n++)
			if (!pend(ix, n))
				_exit(1);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void test_killed(void **state)
{
	char *dir = fixture_dir();
	struct index *ix;

	(void)state;
	kill_pending(dir, 0, 3);
	kill_pending(dir, 3, 3 + SLOTS);
	ix = fixture_index(dir);
	assert_int_equal(fixture_counts(ix).rows, 3 + SLOTS);
	assert_int_equal(found(ix), 3 + SLOTS);
	index_close(ix);
	assert_int_equal(rows_of(dir), 3 + SLOTS);
	fixture_remove(dir);
}

/* Killed between the commit and the clearing of the slots: each message has one row. */
static void test_killed_before_clearing(void **state)
{
	char *dir = fixture_dir();
	static char copy[SLOTS * SLOT_SIZE];
	struct index *ix;
	int fd;

	(void)state;
	kill_pending(dir, 0, 5);
	fd = open(fixture_path(dir, INDEX_PENDING), O_RDONLY);
	assert_int_equal(read(fd, copy, sizeof copy), sizeof copy);
	assert_int_equal(close(fd), 0);
	assert_int_equal(rows_of(dir), 5);
	fd = open(fixture_path(dir, INDEX_PENDING), O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, copy, sizeof copy), sizeof copy);
	assert_int_equal(close(fd), 0);
	ix = fixture_index(dir);
	assert_int_equal(fixture_counts(ix).rows, 5);
	index_close(ix);
	fixture_remove(dir);
}

/* Rows of another boot or version are not believed, and neither is what was to become one. */
static void test_of_another_boot(void **state)
{
	char *dir = fixture_dir();
	int fd;

	(void)state;
	kill_pending(dir, 0, 5);
	fd = open(fixture_path(dir, INDEX_LOCK), O_RDWR);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(rows_of(dir), 0);
	fixture_remove(dir);
}

/* ---- a file that is not ours */

static void change(const char *dir, off_t at, uint32_t word)
{
	int fd = open(fixture_path(dir, INDEX_PENDING), O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &word, sizeof word, at), sizeof word);
	assert_int_equal(close(fd), 0);
}

static void torn(const char *dir)
{
	change(dir, 0, 0); /* the state of slot 0, which is set last */
}

static void strange_state(const char *dir)
{
	change(dir, 5 * SLOT_SIZE, 7);
}

static void changed_byte(const char *dir)
{
	change(dir, 16 + 40, 12345);
}

static void long_length(const char *dir)
{
	change(dir, 4, UINT32_MAX);
}

static void shorter(const char *dir)
{
	assert_int_equal(truncate(fixture_path(dir, INDEX_PENDING), SLOT_SIZE), 0);
}

static void longer(const char *dir)
{
	assert_int_equal(truncate(fixture_path(dir, INDEX_PENDING), INT64_C(1) << 40), 0);
}

static void link_to_itself(const char *dir)
{
	assert_int_equal(unlink(fixture_path(dir, INDEX_PENDING)), 0);
	assert_int_equal(symlink(INDEX_PENDING, fixture_path(dir, INDEX_PENDING)), 0);
}

static void directory(const char *dir)
{
	assert_int_equal(unlink(fixture_path(dir, INDEX_PENDING)), 0);
	assert_int_equal(mkdir(fixture_path(dir, INDEX_PENDING), 0700), 0);
}

static void fifo(const char *dir)
{
	assert_int_equal(unlink(fixture_path(dir, INDEX_PENDING)), 0);
	assert_int_equal(mkfifo(fixture_path(dir, INDEX_PENDING), 0600), 0);
}

static void test_other_files(void **state)
{
	static const struct {
		const char *name;
		void (*damage)(const char *dir);
		uint64_t rows;
		bool aside;
	} cases[] = {
	    {"torn", torn, 1, false},
	    {"strange state", strange_state, 0, true},
	    {"changed byte", changed_byte, 1, true},
	    {"length", long_length, 1, true},
	    {"shorter", shorter, 0, true},
	    {"longer", longer, 0, true},
	    {"link", link_to_itself, 0, true},
	    {"directory", directory, 0, true},
	    {"FIFO", fifo, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct err said = {0}, err = {0};
		struct told told = {0};
		struct index *ix = NULL;
		struct stat st;

		kill_pending(dir, 0, 2);
		cases[i].damage(dir);
		case_assert(cases[i].name, index_open(dir, MAP_SIZE, &ix, &said, &err) == 0);
		if (fixture_counts(ix).rows != cases[i].rows)
			case_fail(cases[i].name, "%d rows", (int)fixture_counts(ix).rows);
		case_assert(cases[i].name, (said.text[0] != '\0') == cases[i].aside);
		case_assert(cases[i].name,
		    (lstat(fixture_path(dir, INDEX_PENDING ".bad"), &st) == 0) == cases[i].aside);
		index_pend_begin(ix, note, &told);
		case_assert(cases[i].name, pend(ix, 7));
		case_assert(cases[i].name, fixture_counts(ix).rows == cases[i].rows + 1);
		index_close(ix);
		fixture_remove(dir);
	}
}

UNIT_MAIN(cmocka_unit_test(test_killed), cmocka_unit_test(test_killed_before_clearing),
    cmocka_unit_test(test_of_another_boot), cmocka_unit_test(test_other_files))
