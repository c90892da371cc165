/* SPDX-License-Identifier: ISC */
/* What the store tells of failures and readers. */
#include "tests/unit/index/fixture.h"

#include "index/store_report.h"

static void test_words(void **state)
{
	static const struct {
		const char *name;
		struct store_failure failure;
		int want;
		const char *words;
	} cases[] = {
	    {"map full", {ERR_FULL, "to commit to", "/x", "MDB_MAP_FULL", UINT64_C(2) << 30},
		ERR_FULL, "the index is full (index_map_size 2G)"},
	    {"odd map", {ERR_FULL, "to write to", "/x", "", 12345}, ERR_FULL,
		"the index is full (index_map_size 12345 bytes)"},
	    {"disk full", {ERR_FULL, "to commit to", "/x", "EIO", 0}, ERR_FULL,
		"failed to commit to index '/x' (no space left on its disk)"},
	    {"damaged", {ERR_DAMAGED, "to read", "/x", "page not found", 0}, ERR_DAMAGED,
		"index '/x' is damaged (page not found)"},
	    {"version", {ERR_VERSION, "to open", "/x", "", 0}, ERR_VERSION,
		"index '/x' was made by another version of LMDB"},
	    {"stale", {ERR_STALE, "to open", "/x", "panic", 0}, ERR_STALE,
		"index '/x' must be opened again (panic)"},
	    {"not the owner", {-EPERM, "to open", "/x", "not permitted", 0}, -EACCES,
		"failed to open index '/x' (not permitted; only its owner may)"},
	    {"other", {-EROFS, "to open", "/x", "read-only", 0}, -EROFS,
		"failed to open index '/x' (read-only)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err err = {0};

		case_assert(
		    cases[i].name, store_failure_words(&cases[i].failure, &err) == cases[i].want);
		case_assert_text(cases[i].name, err.text, cases[i].words);
	}
}

static void test_readers(void **state)
{
	struct store_reader oldest = {0};
	char own[64];

	(void)state;
	store_reader_line("    pid     thread     txnid\n", &oldest);
	store_reader_line("(no active readers)\n", &oldest);
	store_reader_line("       100 7f1c2a4b5740 -\n", &oldest);
	assert_int_equal(oldest.pid, 0);
	assert_false(store_reader_is_behind(&oldest, 1000));
	(void)snprintf(own, sizeof own, "%10d 7f1c2a4b5740 1\n", (int)getpid());
	store_reader_line(own, &oldest);
	assert_int_equal(oldest.pid, 0);
	store_reader_line("       101 7f1c2a4b5740 500\n", &oldest);
	store_reader_line("       102 0 300\n", &oldest);
	store_reader_line("       103 7f1c2a4b5740 400\n", &oldest);
	assert_int_equal(oldest.pid, 102);
	assert_int_equal(oldest.txnid, 300);
	assert_false(store_reader_is_behind(&oldest, 300));
	assert_true(store_reader_is_behind(&oldest, 301));
}

UNIT_MAIN(cmocka_unit_test(test_words), cmocka_unit_test(test_readers))
