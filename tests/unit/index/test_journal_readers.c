/* SPDX-License-Identifier: ISC */
/* The journal as readers find it, whatever its writer and its disk do meanwhile. */
#include "tests/unit/index/journal_fixture.h"

#include <sys/syscall.h>

#include "index/select.h"

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

UNIT_MAIN(cmocka_unit_test(test_half_readable))
