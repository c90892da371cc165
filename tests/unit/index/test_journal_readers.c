/* SPDX-License-Identifier: ISC */
/* The journal as readers find it, whatever its writer and its disk do meanwhile. */
#include "tests/unit/index/journal_fixture.h"

#include <sys/syscall.h>

#include "index/rows/select.h"

/* A disk that gives the journal's first page alone. */
static bool bad_disk;

ssize_t read(int fd, void *at, size_t len)
{
	struct stat st;

	if (bad_disk && fstat(fd, &st) == 0 && st.st_size == (off_t)JOURNAL_BYTES) {
		if (lseek(fd, 0, SEEK_CUR) > 0) {
			errno = EIO;
			return -1;
		}
		len = len < 4096 ? len : 4096;
	}
	return syscall(SYS_read, fd, at, len);
}

/* What could be read is not all that was answered. */
static void test_half_readable(void **state)
{
	struct pair p = pair_open();
	struct store *store = NULL;
	struct journal *j = NULL;
	struct err err = {0};
	struct txn txn;

	(void)state;
	append(p.journal, 0, 100);
	store_close(p.store);
	assert_int_equal(index_open(p.dir, &store, &err), 0);
	bad_disk = true;
	assert_int_equal(txn_begin(store, false, &txn), -EIO);
	assert_non_null(strstr(txn.err.text, "journal"));
	assert_int_equal(journal_open(p.dir, true, &j, &err), -EIO);
	bad_disk = false;
	txn_abort(&txn);
	store_close(store);
	p.store = fixture_store(p.dir, MAP_SIZE);
	assert_int_equal(rows_for_readers(p.dir), 100);
	pair_close(&p);
}

/* ---- a writer that works between a reader's look at the file and its snapshot of the store */

struct busy {
	struct pair *pair;
	struct overlay_source journal;
	void (*work)(struct pair *p);
};

static int read_before_work(void *arg, struct bytes *ret, struct err *err)
{
	struct busy *busy = arg;
	int code = busy->journal.read(busy->journal.arg, ret, err);

	busy->work(busy->pair);
	return code;
}

static int fill_busy(void *arg, struct span read, struct txn *txn)
{
	struct busy *busy = arg;

	return busy->journal.fill(busy->journal.arg, read, txn);
}

static int work_before_read(void *arg, struct bytes *ret, struct err *err)
{
	struct busy *busy = arg;

	busy->work(busy->pair);
	return busy->journal.read(busy->journal.arg, ret, err);
}

static void begin_anew(struct pair *p)
{
	apply(p);
	append(p->journal, 3, 5);
}

/* As a reader finds it that is in the middle of the write, or as a kill leaves it. */
static void begin_anew_torn(struct pair *p)
{
	char *path = journal_path(p);
	int fd;

	begin_anew(p);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "torn", 4, 100), 4);
	close(fd);
	free(path);
}

static void begin_anew_often(struct pair *p)
{
	begin_anew(p);
	for (unsigned n = 5; n < 50; n++) {
		apply(p);
		append(p->journal, n, n + 1);
	}
}

static void lose_the_file(struct pair *p)
{
	char *path = journal_path(p);

	apply(p);
	assert_int_equal(unlink(path), 0);
	journal_tend(p->journal);
	free(path);
}

static uint64_t rows_beside(void (*work)(struct pair *p), overlay_read *read)
{
	struct pair p = pair_open();
	struct busy busy = {.pair = &p, .journal = journal_overlay(p.dir), .work = work};
	uint64_t rows;

	append(p.journal, 0, 3);
	rows = rows_over(
	    p.dir, (struct overlay_source){.read = read, .fill = fill_busy, .arg = &busy});
	pair_close(&p);
	return rows;
}

static void test_busy_writer(void **state)
{
	static const struct {
		const char *name;
		void (*work)(struct pair *p);
		uint64_t before, behind; /* rows, where that is done before or behind the look */
	} cases[] = {
	    {"taken over", apply, 3, 3},
	    {"begun anew", begin_anew, 5, 3},
	    {"begun anew and torn", begin_anew_torn, 3, 3},
	    {"begun anew often", begin_anew_often, 50, 49},
	    {"lost", lose_the_file, 3, 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		case_assert(
		    cases[i].name, rows_beside(cases[i].work, work_before_read) == cases[i].before);
		case_assert(
		    cases[i].name, rows_beside(cases[i].work, read_before_work) == cases[i].behind);
	}
}

static int replace(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct pair *p = arg;
	char *from = data_file_path(p->dir, DATA_FILE), *to = data_file_path(p->dir, "old");

	(void)store;
	(void)err;
	bytes_put_u8(out, rename(from, to) != 0);
	free(from);
	free(to);
	return 0;
}

static void test_replaced(void **state)
{
	struct pair p = pair_open();
	struct blob blob = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(chown(p.dir, geteuid(), getegid()), 0); /* as its files are */
	assert_int_equal(index_read(p.dir, replace, &p, &blob, &err), ERR_STALE);
	assert_non_null(strstr(err.text, "replaced"));
	pair_close(&p);
}

UNIT_MAIN(cmocka_unit_test(test_half_readable), cmocka_unit_test(test_busy_writer),
    cmocka_unit_test(test_replaced))
