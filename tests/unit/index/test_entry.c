/* SPDX-License-Identifier: ISC */
/* Rows of messages: added, replaced, dropped, kept as left, pruned; no failure leaves a part of a
 * change. */
#include "tests/unit/index/fixture.h"

#include "tests/unit/index/faults.h"

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

static void assert_rows(
    struct store *store, uint64_t messages, uint64_t authors, uint64_t inodes, uint64_t left)
{
	assert_int_equal(fixture_rows(store, STORE_MESSAGE), messages);
	assert_int_equal(fixture_rows(store, STORE_AUTHOR), authors);
	assert_int_equal(fixture_rows(store, STORE_INODE), inodes);
	assert_int_equal(fixture_rows(store, STORE_LEFT), left);
}

static int find(struct txn *txn, uint32_t usec, uint64_t inode, bool left, uint64_t list[8])
{
	struct packed_id id = fixture_packed(usec, inode);

	return entry_find(txn, &id, left, list, 8);
}

static int drop(struct txn *txn, uint32_t usec, uint64_t inode, uint64_t sequence, int64_t left)
{
	struct packed_id id = fixture_packed(usec, inode);

	return entry_drop(txn, &id, sequence, left);
}

static void test_add_and_drop(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	uint64_t one, two, list[8];
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, &one);
	fixture_add(&txn, &second, &two);
	assert_int_equal(two, one + 1);
	commit(&txn);
	assert_rows(store, 2, 3, 2, 0);
	begin(store, &txn);
	assert_int_equal(find(&txn, 1, 100, false, list), 1);
	assert_int_equal(list[0], one);
	assert_int_equal(find(&txn, 1, 100, true, list), 0);
	assert_int_equal(find(&txn, 9, 100, false, list), 0); /* its inode, another ID */
	assert_int_equal(drop(&txn, 1, 100, one, 0), 1);
	assert_int_equal(drop(&txn, 1, 100, one, 0), 0);
	commit(&txn);
	assert_rows(store, 1, 1, 1, 0);
	store_close(store);
	fixture_remove(dir);
}

/* One more than the last row, whatever a transaction adds and drops. */
static void test_sequence(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	size_t messages = 0;
	uint64_t sequence;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, NULL);
	fixture_add(&txn, &second, &sequence);
	assert_int_equal(sequence, 2);
	assert_int_equal(drop(&txn, 1, 100, 1, 0), 1);
	fixture_add(&txn, &first, &sequence);
	assert_int_equal(sequence, 3);
	assert_int_equal(entry_prune(&txn, 10, &messages), 2);
	fixture_add(&txn, &second, &sequence);
	assert_int_equal(sequence, 1);
	commit(&txn);
	assert_rows(store, 1, 1, 1, 0);
	store_close(store);
	fixture_remove(dir);
}

/* Only the queue file can tell which of two messages has the inode. */
static void test_a_newcomer_replaces_nothing(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct mail other = {.usec = 7, .inode = 100, .time = 5000, .sender = "x@example.net"};
	struct mail same = {.usec = 1, .inode = 100, .time = 6000, .sender = "y@example.net"};
	uint64_t one, list[8];
	struct span record;
	struct message m;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, &one);
	fixture_add(&txn, &other, NULL);
	fixture_add(&txn, &same, NULL);
	commit(&txn);
	assert_rows(store, 3, 4, 3, 0);
	begin(store, &txn);
	assert_int_equal(find(&txn, 7, 100, false, list), 1);
	assert_int_equal(find(&txn, 1, 100, false, list), 2);
	assert_int_equal(list[0], one);
	assert_int_equal(entry_get(&txn, list[1], &record), 1);
	assert_int_equal(record_decode(record, &m), 0);
	assert_string_equal(m.sender, "y@example.net");
	commit(&txn);
	store_close(store);
	fixture_remove(dir);
}

/* A spool that reuses inodes at once keeps a bounded number of rows for each. The older half goes
 * at once; its rows stay as first passes. */
static void test_rows_of_an_inode_are_bounded(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	uint64_t list[8];
	struct txn txn;

	(void)state;
	begin(store, &txn);
	for (uint32_t i = 0; i < 20; i++)
		fixture_add(&txn,
		    &(struct mail){
			.usec = i, .inode = 100, .time = 1000 + i, .sender = "a@example.com"},
		    NULL);
	fixture_add(&txn, &second, NULL);
	commit(&txn);
	assert_rows(store, 12 + 1, 12 + 1, 21, 8);
	begin(store, &txn);
	assert_int_equal(find(&txn, 7, 100, false, list), 0);
	assert_int_equal(find(&txn, 7, 100, true, list), 1);
	assert_int_equal(find(&txn, 8, 100, false, list), 1);
	commit(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void test_left(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	uint64_t one, two, list[8];
	struct span record;
	struct message m;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, &one);
	fixture_add(&txn, &second, &two);
	assert_int_equal(drop(&txn, 1, 100, one, 50), 1);
	assert_int_equal(drop(&txn, 2, 101, two, 60), 1);
	commit(&txn);
	assert_rows(store, 0, 0, 2, 2);
	begin(store, &txn);
	assert_int_equal(find(&txn, 1, 100, false, list), 0);
	assert_int_equal(find(&txn, 1, 100, true, list), 1);
	assert_true(list[0] & ENTRY_LEFT);
	assert_int_equal(entry_get(&txn, list[0], &record), 1);
	assert_int_equal(record_decode(record, &m), 0);
	assert_string_equal(m.sender, "a@example.com");
	/* For an hour; if the clock was set back, not for ever. */
	assert_int_equal(entry_forget(&txn, 50 + ENTRY_LEFT_TIME, 9), 0);
	assert_int_equal(entry_forget(&txn, 51 + ENTRY_LEFT_TIME, 9), 1);
	assert_int_equal(find(&txn, 1, 100, true, list), 0);
	assert_int_equal(find(&txn, 2, 101, true, list), 1);
	assert_int_equal(entry_forget(&txn, 59 - ENTRY_LEFT_TIME, 9), 1);
	commit(&txn);
	assert_rows(store, 0, 0, 0, 0);
	store_close(store);
	fixture_remove(dir);
}

static void replace(struct txn *txn, uint64_t sequence, const struct mail *mail)
{
	struct message m = fixture_message(mail);
	struct bytes record = {0};

	record_encode(&m, &record);
	entry_replace(txn, sequence, bytes_span(&record));
	bytes_release(&record);
}

/* Author keys follow the record. */
static void test_replace(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct mail read = first;
	struct packed_id id;
	struct span key, value;
	struct store_cursor *cursor;
	uint64_t one;
	struct txn txn;

	(void)state;
	read.arrival = 1001;
	read.file_inode = 777;
	read.queued_sender = "srs@relay.example";
	begin(store, &txn);
	fixture_add(&txn, &first, &one);
	fixture_add(&txn, &second, NULL);
	replace(&txn, one, &read);
	commit(&txn);
	assert_rows(store, 2, 4, 2, 0);
	begin(store, &txn);
	cursor = cursor_open(&txn, STORE_INODE);
	assert_int_equal(cursor_seek(cursor, EMPTY_SPAN, &key, &value), 1);
	assert_true(entry_name(key, value, &id));
	assert_int_equal(id.inode, 100);
	assert_true(id.time & INDEX_NAME_READ && id.time & INDEX_NAME_MOVED);
	cursor_close(cursor);
	read.queued_sender = "a@example.com";
	replace(&txn, one, &read);
	commit(&txn);
	assert_rows(store, 2, 3, 2, 0);
	begin(store, &txn);
	replace(&txn, one, &second);
	assert_int_equal(txn.code, ERR_SYNTAX);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void test_prune(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	size_t messages = 0;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	for (uint32_t i = 1; i <= 100; i++)
		fixture_add(&txn,
		    &(struct mail){
			.usec = i, .inode = i, .time = 1000 + i, .sender = "a@example.com"},
		    NULL);
	assert_int_equal(drop(&txn, 60, 60, 60, 5000), 1);
	commit(&txn);
	assert_rows(store, 99, 99, 100, 1);
	begin(store, &txn);
	/* Rows that left go first. */
	assert_int_equal(entry_prune(&txn, 30, &messages), 30);
	assert_int_equal(messages, 29);
	commit(&txn);
	assert_rows(store, 70, 70, 70, 0);
	begin(store, &txn);
	assert_int_equal(entry_prune(&txn, 1000, &messages), 70);
	assert_int_equal(messages, 99);
	assert_int_equal(entry_prune(&txn, 1000, &messages), 0);
	commit(&txn);
	assert_rows(store, 0, 0, 0, 0);
	store_close(store);
	fixture_remove(dir);
}

/* A damaged record loses only its message row, and its name once that is found in no queue. */
static void test_damaged_record(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	unsigned char key[ENTRY_KEY_SIZE];
	size_t messages = 0;
	uint64_t one;
	struct txn txn;

	(void)state;
	begin(store, &txn);
	fixture_add(&txn, &first, &one);
	txn_put(&txn, STORE_MESSAGE, entry_key(one, key), span_text("not a record"), false);
	fixture_add(&txn, &second, NULL);
	assert_int_equal(entry_prune(&txn, 1, &messages), 1);
	commit(&txn);
	assert_rows(store, 1, 3, 2, 0);
	begin(store, &txn);
	assert_int_equal(drop(&txn, 1, 100, one, 5000), 1);
	commit(&txn);
	assert_rows(store, 1, 3, 1, 0);
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

/*
 * Each operation of a transaction fails in turn. The failure is reported, and the rows are exactly
 * those from before.
 */
static void test_every_operation_fails_once(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct mail later = {.usec = 9, .inode = 100, .time = 9000, .sender = "z@example.net"};
	struct mail read = second;
	size_t messages = 0;
	struct txn txn;
	long n;

	(void)state;
	read.arrival = 2001;
	read.queued_sender = "srs@relay.example";
	begin(store, &txn);
	fixture_add(&txn, &first, NULL);
	fixture_add(&txn, &second, NULL);
	commit(&txn);
	for (n = 0; n < 1000; n++) {
		struct err err = {0};
		int code;

		faults_set(n, 1L << 60, FAULT_MAP_FULL);
		(void)txn_begin(store, true, &txn);
		fixture_add(&txn, &later, NULL);
		replace(&txn, 2, &read);
		(void)drop(&txn, 9, 100, 3, 5000);
		(void)entry_forget(&txn, 6000, 1);
		(void)entry_prune(&txn, 2, &messages);
		code = txn_commit(&txn, &err);
		faults_set(0, 0, 0);
		if (code == 0)
			break;
		if (code != ERR_FULL || err.text[0] == '\0')
			case_fail("fault", "operation %ld: code %d '%s'", n, code, err.text);
		assert_rows(store, 2, 3, 2, 0);
	}
	assert_true(n > 30 && n < 200);
	assert_rows(store, 1, 2, 1, 0);
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_add_and_drop), cmocka_unit_test(test_sequence),
    cmocka_unit_test(test_a_newcomer_replaces_nothing),
    cmocka_unit_test(test_rows_of_an_inode_are_bounded), cmocka_unit_test(test_left),
    cmocka_unit_test(test_replace), cmocka_unit_test(test_prune),
    cmocka_unit_test(test_damaged_record), cmocka_unit_test(test_not_a_record),
    cmocka_unit_test(test_every_operation_fails_once))
