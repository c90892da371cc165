/* SPDX-License-Identifier: ISC */
/* Whatever is in index_directory, its owner gets a working index; and there is one owner. */
#include "tests/unit/index/fixture.h"

#include <sys/file.h>

static const struct mail one = {.usec = 1, .inode = 100, .time = 1000, .sender = "a@example.com"};

static struct index *open_noted(const char *dir, struct err *note)
{
	struct index *ix = NULL;
	struct err err = {0};

	note->text[0] = '\0';
	if (index_open(dir, MAP_SIZE, &ix, note, &err) != 0)
		case_fail("open", "%s", err.text);
	return ix;
}

static void make_index(const char *dir)
{
	struct index *ix = fixture_index(dir);

	fixture_record(ix, &one);
	index_close(ix);
}

static void assert_opens(const char *name, const char *dir, uint64_t rows, const char *note)
{
	struct err said;
	struct index *ix = open_noted(dir, &said);

	if (fixture_counts(ix).rows != rows)
		case_fail(name, "%d rows", (int)fixture_counts(ix).rows);
	if (note ? !strstr(said.text, note) : said.text[0] != '\0')
		case_fail(name, "it said '%s'", said.text);
	if (note)
		case_assert(name, access(fixture_path(dir, "index.mdb.bad"), F_OK) == 0);
	fixture_record(ix, &one);
	index_close(ix);
}

static void put_text(const char *path, off_t at, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void test_life(void **state)
{
	char *dir = fixture_dir();
	struct stat st;

	(void)state;
	make_index(dir);
	assert_opens("again", dir, 1, NULL);
	assert_int_equal(stat(fixture_path(dir, INDEX_FILE), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(fixture_path(dir, INDEX_LOCK), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	index_close(NULL);
	fixture_remove(dir);
}

static void test_only_one_owner(void **state)
{
	char *dir = fixture_dir(), want[100];
	struct index *ix = fixture_index(dir), *other = NULL;
	struct err err = {0};
	int fd;

	(void)state;
	assert_int_equal(index_open(dir, MAP_SIZE, &other, NULL, &err), ERR_LOCKED);
	(void)snprintf(want, sizeof want, "in use by pid %ld (test_index_open)", (long)getpid());
	if (!strstr(err.text, want))
		case_fail("locked", "'%s' lacks '%s'", err.text, want);
	assert_int_equal(index_check(ix), 0);
	index_close(ix);
	/* Held by an owner that did not write its pid. */
	fd = open(fixture_path(dir, INDEX_LOCK), O_RDWR);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(index_open(dir, MAP_SIZE, &other, NULL, &err), ERR_LOCKED);
	assert_non_null(strstr(err.text, "in use by another process"));
	assert_int_equal(close(fd), 0);
	assert_opens("free again", dir, 0, NULL); /* the lock file's text is lost */
	fixture_remove(dir);
}

static void test_no_directory(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    index_open(fixture_path(dir, "no"), MAP_SIZE, &ix, NULL, &err), ERR_NO_INDEX);
	assert_non_null(strstr(err.text, "no directory '"));
	assert_null(ix);
	fixture_remove(dir);
}

/* Nothing of another boot or version is read, not even by LMDB: after a crash of the machine the
 * file on a disk may hold anything. */
static void test_of_another_time(void **state)
{
	static const struct {
		const char *name, *text;
		off_t at;
	} cases[] = {
	    {"another boot", "00000000-0000-0000-0000-000000000000", 11},
	    {"another version", "1 ", 48},
	    {"an emptied lock file", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();

		make_index(dir);
		if (cases[i].text)
			put_text(fixture_path(dir, INDEX_LOCK), cases[i].at, cases[i].text);
		else
			assert_int_equal(truncate(fixture_path(dir, INDEX_LOCK), 0), 0);
		put_text(fixture_path(dir, INDEX_FILE), 4096, "anything at all");
		assert_opens(cases[i].name, dir, 0, NULL);
		assert_opens(cases[i].name, dir, 1, NULL);
		fixture_remove(dir);
	}
}

static void test_unusable_files(void **state)
{
	char *dir = fixture_dir();
	const char *path = fixture_path(dir, INDEX_FILE);

	(void)state;
	make_index(dir);
	put_text(path, 0, "garbage and garbage and garbage and garbage and garbage");
	assert_opens("garbage", dir, 0, "is damaged");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(unlink(fixture_path(dir, "index.mdb.bad")), 0);
	assert_opens("a directory", dir, 0, "failed to open index");
	fixture_remove(dir);
}

/* Opens it and dies during that, or afterwards. */
static void die_with_it(const char *dir, bool while_opening)
{
	char byte;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct index *ix = fixture_index(dir);

		fixture_record(ix, &(struct mail){.usec = 2, .inode = 102, .time = 2000});
		if (while_opening)
			put_text(fixture_path(dir, INDEX_LOCK), 59, "1");
		(void)!write(ends[1], "x", 1);
		fixture_wait_for_death();
	}
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(close(ends[0]), 0);
	fixture_kill(pid);
}

static void test_killed_owner(void **state)
{
	char *dir = fixture_dir();

	(void)state;
	make_index(dir);
	die_with_it(dir, false);
	assert_opens("its rows are there", dir, 2, NULL);
	fixture_remove(dir);
}

static void test_opener_that_dies(void **state)
{
	char *dir = fixture_dir(), text[100] = "";
	int fd;

	(void)state;
	make_index(dir);
	die_with_it(dir, true);
	fd = open(fixture_path(dir, INDEX_LOCK), O_RDONLY);
	assert_true(read(fd, text, sizeof text - 1) > 60);
	assert_int_equal(close(fd), 0);
	assert_int_equal(text[59], '1'); /* the place of the count */
	assert_opens("once", dir, 2, NULL);
	put_text(fixture_path(dir, INDEX_LOCK), 59, "2");
	assert_opens("twice in a row", dir, 0, "died twice in a row");
	assert_opens("and again", dir, 1, NULL);
	fixture_remove(dir);
}

/* Opens in a child, which the index may kill. */
static void try_to_open(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct index *ix;

		(void)signal(SIGSEGV, SIG_DFL); /* cmocka would go on with the next test */
		(void)signal(SIGBUS, SIG_DFL);
		(void)!index_open(dir, MAP_SIZE, &ix, NULL, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Damage shows if the owner did not close the index: as an error, or by the death of two owners. */
static void test_damage(void **state)
{
	char *dir = fixture_dir(), page[4096];
	struct index *ix = fixture_index(dir);
	struct stat st;
	int fd;

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		fixture_record(ix, &(struct mail){.usec = i, .inode = 100 + i, .time = 1000});
	index_close(ix);
	assert_int_equal(stat(fixture_path(dir, INDEX_FILE), &st), 0);
	memset(page, 0xff, sizeof page);
	fd = open(fixture_path(dir, INDEX_FILE), O_WRONLY);
	for (off_t at = st.st_size / 2; at < st.st_size; at += (off_t)sizeof page)
		assert_int_equal(pwrite(fd, page, sizeof page, at), sizeof page);
	assert_int_equal(close(fd), 0);
	put_text(fixture_path(dir, INDEX_LOCK), 70, "0000000000000000"); /* not closed */
	try_to_open(dir);
	try_to_open(dir);
	assert_opens("damaged and not closed", dir, 0, "set aside as");
	fixture_remove(dir);
}

static void test_check(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);

	(void)state;
	assert_int_equal(index_check(ix), 0);
	assert_int_equal(unlink(fixture_path(dir, INDEX_LOCK)), 0);
	assert_int_equal(index_check(ix), ERR_STALE);
	index_close(ix);
	ix = fixture_index(dir);
	assert_int_equal(index_check(ix), 0);
	assert_int_equal(unlink(fixture_path(dir, INDEX_FILE)), 0);
	assert_int_equal(index_check(ix), ERR_STALE);
	index_close(ix);
	fixture_remove(dir);
}

static void test_moved_directory(void **state)
{
	char *dir = fixture_dir(), *inner = strdup(fixture_path(dir, "index"));
	struct index *ix;

	(void)state;
	assert_int_equal(mkdir(inner, 0700), 0);
	ix = fixture_index(inner);
	assert_int_equal(rename(inner, fixture_path(dir, "moved")), 0);
	assert_int_equal(index_check(ix), ERR_STALE);
	index_close(ix);
	free(inner);
	fixture_remove(dir);
}

static void test_map_is_bounded(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = NULL;

	(void)state;
	assert_int_equal(index_open(dir, INT64_C(1) << 40, &ix, NULL, NULL), 0);
	assert_true(fixture_counts(ix).map_bytes < UINT64_C(1) << 40);
	assert_true(fixture_counts(ix).map_bytes >= UINT64_C(1) << 20);
	index_close(ix);
	assert_int_equal(index_open(dir, 1, &ix, NULL, NULL), 0);
	assert_int_equal(fixture_counts(ix).map_bytes, 1 << 20);
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_life), cmocka_unit_test(test_only_one_owner),
    cmocka_unit_test(test_no_directory), cmocka_unit_test(test_of_another_time),
    cmocka_unit_test(test_unusable_files), cmocka_unit_test(test_killed_owner),
    cmocka_unit_test(test_opener_that_dies), cmocka_unit_test(test_damage),
    cmocka_unit_test(test_check), cmocka_unit_test(test_moved_directory),
    cmocka_unit_test(test_map_is_bounded))
