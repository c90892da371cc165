/* SPDX-License-Identifier: ISC */
/* Rows of messages: added, superseded, dropped, pruned; nothing half-written whatever fails. */
#include "tests/unit/index/fixture.h"

static const struct mail first = {
    .usec = 1, .inode = 100, .time = 1000, .sender = "a@example.com", .from = "b@example.org"};
static const struct mail second = {
    .usec = 2, .inode = 101, .time = 2000, .sender = "c@example.com"};

static void begin(struct store *store, struct txn *txn)
{
	assert_int_equal(txn_begin(store, true, txn), 0);
}

static void commit(struct txn *txn)
{
	struct err err = {0};

	if (txn_commit(txn, &err) != 0)
		case_fail("commit", "%s", err.text);
}

static void assert_rows(struct store *store, uint64_t messages, uint64_t authors, uint64_t inodes)
{
	assert_int_equal(fixture_rows(store, STORE_MESSAGE), messages);
	assert_int_equal(fixture_rows(store, STORE_AUTHOR), authors);
	assert_int_equal(fixture_rows(store, STORE_INODE), inodes);
}

static void test_add_and_drop(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct queue_id id = fixture_id(1, 100), other = fixture_id(9, 100);
	uint64_t one, two;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, &one);
	fixture_add(&txn, &second, &two);
	assert_int_equal(two, one + 1);
	commit(&txn);
	assert_rows(store, 2, 3, 2);
	begin(store, &txn);
	assert_int_equal(entry_drop(&txn, one, &other), 0);
	assert_int_equal(entry_drop(&txn, two + 1, &id), 0);
	assert_int_equal(entry_drop(&txn, one, &id), 1);
	assert_int_equal(entry_drop(&txn, one, &id), 0);
	commit(&txn);
	assert_rows(store, 1, 1, 1);
	store_close(store);
	fixture_remove(dir);
}

/* One past the last row that is there, whatever one transaction adds and drops. */
static void test_sequence(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct mail again = {.usec = 9, .inode = 101, .time = 3000, .sender = "d@example.com"};
	struct queue_id id = fixture_id(1, 100);
	uint64_t sequence;
	int64_t time;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, NULL);
	fixture_add(&txn, &second, &sequence);
	assert_int_equal(sequence, 2);
	fixture_add(&txn, &again, &sequence); /* takes the place of the last */
	assert_int_equal(sequence, 2);
	assert_int_equal(entry_drop(&txn, 1, &id), 1);
	fixture_add(&txn, &first, &sequence);
	assert_int_equal(sequence, 3);
	assert_int_equal(entry_prune(&txn, 10, &time), 2);
	fixture_add(&txn, &second, &sequence);
	assert_int_equal(sequence, 1);
	commit(&txn);
	assert_rows(store, 1, 1, 1);
	store_close(store);
	fixture_remove(dir);
}

static void test_inode_supersedes(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct queue_id id = fixture_id(7, 100), old = fixture_id(1, 100);
	struct mail later = {.usec = 7, .inode = 100, .time = 5000, .sender = "x@example.net"};
	uint64_t one, sequence;
	struct span record;
	struct message m;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, &one);
	fixture_add(&txn, &second, NULL);
	fixture_add(&txn, &later, NULL);
	commit(&txn);
	assert_rows(store, 2, 2, 2);
	begin(store, &txn);
	assert_int_equal(entry_find(&txn, &id, &sequence, &record), 1);
	assert_int_equal(record_decode(record, &m), 0);
	assert_string_equal(m.queue_id.text, id.text);
	/* Dropping what was superseded touches nothing of its successor. */
	assert_int_equal(entry_drop(&txn, one, &old), 0);
	commit(&txn);
	assert_rows(store, 2, 2, 2);
	store_close(store);
	fixture_remove(dir);
}

static void test_index_bounds_itself(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;

	(void)state;
	for (int i = 0; i < 200000; i += 2000) {
		begin(store, &txn);
		for (int j = i; j < i + 2000; j++)
			fixture_add(&txn,
			    &(struct mail){.usec = (uint32_t)j,
				.inode = 1 + (uint64_t)((j * 7) % 1000),
				.time = j,
				.sender = j % 3 ? "a@example.com" : "b@example.org",
				.from = "c@example.net"},
			    NULL);
		commit(&txn);
	}
	assert_rows(store, 1000, 2000, 1000);
	store_close(store);
	fixture_remove(dir);
}

static void test_prune(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	int64_t latest = 0;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	for (uint32_t i = 1; i <= 100; i++)
		fixture_add(&txn,
		    &(struct mail){
			.usec = i, .inode = i, .time = 1000 + i, .sender = "a@example.com"},
		    NULL);
	commit(&txn);
	begin(store, &txn);
	assert_int_equal(entry_prune(&txn, 30, &latest), 30);
	assert_int_equal(latest, 1030);
	commit(&txn);
	assert_rows(store, 70, 70, 70);
	begin(store, &txn);
	assert_int_equal(entry_prune(&txn, 1000, &latest), 70);
	assert_int_equal(latest, 1100);
	assert_int_equal(entry_prune(&txn, 1000, &latest), 0);
	commit(&txn);
	assert_rows(store, 0, 0, 0);
	store_close(store);
	fixture_remove(dir);
}

/* A damaged record loses its message row only; a new message on its inode is not kept from coming.
 */
static void test_damaged_record(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct queue_id id = fixture_id(1, 100);
	struct mail again = {.usec = 3, .inode = 100, .time = 3000, .sender = "d@example.net"};
	unsigned char key[ENTRY_KEY_SIZE];
	int64_t latest = 0;
	uint64_t one;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, &one);
	txn_put(&txn, STORE_MESSAGE, entry_key(one, key), span_text("not a record"), false);
	assert_int_equal(entry_drop(&txn, one, &id), 0);
	fixture_add(&txn, &again, NULL);
	commit(&txn);
	assert_rows(store, 1, 3, 1);
	begin(store, &txn);
	fixture_add(&txn, &second, &one);
	txn_put(&txn, STORE_MESSAGE, entry_key(one, key), span_text("not a record"), false);
	assert_int_equal(entry_prune(&txn, 10, &latest), 2);
	assert_int_equal(latest, 3000);
	commit(&txn);
	assert_int_equal(fixture_rows(store, STORE_MESSAGE), 0);
	store_close(store);
	fixture_remove(dir);
}

static void test_not_a_record(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;

	(void)state;
	begin(store, &txn);
	entry_add(&txn, span_text("not a record"), NULL);
	assert_int_equal(txn.code, ERR_SYNTAX);
	assert_int_equal(txn_commit(&txn, NULL), ERR_SYNTAX);
	store_close(store);
	fixture_remove(dir);
}

static int add_found(struct txn *txn, uint32_t usec, uint64_t inode, int64_t arrival)
{
	struct message m =
	    fixture_message(&(struct mail){.usec = usec, .inode = inode, .time = arrival});
	struct bytes record = {0};
	int code;

	m.origin = ORIGIN_SCAN;
	record_encode(&m, &record);
	code = entry_add_found(txn, bytes_span(&record));
	bytes_release(&record);
	return code;
}

static void test_found_by_a_scan(void **state)
{
	static const struct {
		const char *name;
		uint32_t usec;
		uint64_t inode;
		int64_t arrival;
		int want;
	} cases[] = {
	    {"recorded already", 1, 100, 1001, 0},
	    {"the same ID used again later", 1, 100, 1003, 1},
	    {"came before what is recorded", 5, 100, 999, 0},
	    {"came between MAIL and end of what is recorded", 5, 100, 1001, 0},
	    {"came after", 5, 100, 1003, 1},
	    {"another inode", 5, 200, 1, 1},
	};
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin(store, &txn);
		fixture_add(&txn, &first, NULL);
		case_assert(cases[i].name, add_found(&txn, cases[i].usec, cases[i].inode,
					       cases[i].arrival) == cases[i].want);
		txn_abort(&txn);
	}
	store_close(store);
	fixture_remove(dir);
}

/*
 * Every operation of a transaction fails in its turn. The failure is reported, and what was there
 * before is there still, neither more nor less.
 */
static void test_every_operation_fails_once(void **state)
{
	char *dir = fixture_dir();
	struct store_faults faults = {0};
	struct store *store = store_open_failing(fixture_store(dir, MAP_SIZE), &faults);
	struct mail later = {.usec = 9, .inode = 100, .time = 9000, .sender = "z@example.net"};
	int64_t latest;
	struct txn txn;
	long n;

	(void)state;
	assert_non_null(store);
	begin(store, &txn);
	fixture_add(&txn, &first, NULL);
	fixture_add(&txn, &second, NULL);
	commit(&txn);
	for (n = 0; n < 1000; n++) {
		struct err err = {0};
		int code;

		faults.fail_after = n;
		faults.fail_code = ERR_FULL;
		(void)txn_begin(store, true, &txn);
		fixture_add(&txn, &later, NULL);
		(void)entry_prune(&txn, 1, &latest);
		code = txn_commit(&txn, &err);
		faults.fail_code = 0;
		if (code == 0)
			break;
		if (code != ERR_FULL || err.text[0] == '\0')
			case_fail("fault", "operation %ld: code %d '%s'", n, code, err.text);
		assert_rows(store, 2, 3, 2);
	}
	assert_in_range(n, 15, 100);
	assert_rows(store, 1, 1, 1);
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_add_and_drop), cmocka_unit_test(test_sequence),
    cmocka_unit_test(test_inode_supersedes), cmocka_unit_test(test_index_bounds_itself),
    cmocka_unit_test(test_prune), cmocka_unit_test(test_damaged_record),
    cmocka_unit_test(test_not_a_record), cmocka_unit_test(test_found_by_a_scan),
    cmocka_unit_test(test_every_operation_fails_once))
