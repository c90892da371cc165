/* SPDX-License-Identifier: ISC */
/* The account. */
#include "tests/unit/index/fixture.h"

#include "index/batch.h"

static const struct batch sample = {.time = 12345,
    .uid = 1000,
    .verb = "hold",
    .user = "someone",
    .command = "pqpurge-idx hold example.com",
    .reason = "ticket 7",
    .matched = 9,
    .done = 5,
    .gone = 1,
    .changed = 1,
    .failed = 2,
    .unindexed = 3,
    .item_count = 2,
    .rules_set = 1};

static void test_codec(void **state)
{
	struct bytes out = {0};
	struct batch got;

	(void)state;
	batch_encode(&sample, &out);
	assert_int_equal(batch_decode(bytes_span(&out), &got), 0);
	assert_int_equal(got.time, sample.time);
	assert_int_equal(got.uid, sample.uid);
	assert_string_equal(got.verb, sample.verb);
	assert_string_equal(got.user, sample.user);
	assert_string_equal(got.command, sample.command);
	assert_string_equal(got.reason, sample.reason);
	assert_int_equal(got.matched, 9);
	assert_int_equal(got.done, 5);
	assert_int_equal(got.gone, 1);
	assert_int_equal(got.changed, 1);
	assert_int_equal(got.failed, 2);
	assert_int_equal(got.unindexed, 3);
	assert_int_equal(got.item_count, 2);
	assert_int_equal(got.rules_set, 1);
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(
		    batch_decode((struct span){.at = out.at, .len = len}, &got), ERR_DAMAGED);
	bytes_release(&out);
}

static void test_long_command_is_cut(void **state)
{
	struct batch long_one = sample, got;
	struct bytes out = {0};
	char *command = malloc(10001);

	(void)state;
	assert_non_null(command);
	memset(command, 'x', 10000);
	command[10000] = '\0';
	long_one.command = command;
	batch_encode(&long_one, &out);
	assert_int_equal(batch_decode(bytes_span(&out), &got), 0);
	assert_int_equal(strlen(got.command), BATCH_COMMAND_MAX);
	assert_string_equal(got.reason, sample.reason);
	free(command);
	bytes_release(&out);
}

static void test_items(void **state)
{
	struct batch_item item = {
	    .queue_id = fixture_id(5, 77), .result = 4, .arrival_time = -1, .inode = 77};
	struct bytes out = {0};
	struct batch_item got;
	struct reader r;

	(void)state;
	batch_item_encode(&item, &out);
	batch_item_encode(&item, &out);
	r = reader_of(out.at, out.len);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(batch_item_decode(&r, &got), 0);
		assert_string_equal(got.queue_id.text, item.queue_id.text);
		assert_int_equal(got.result, 4);
		assert_int_equal(got.arrival_time, -1);
		assert_int_equal(got.inode, 77);
	}
	assert_true(reader_done(&r));
	out.at[1] = '/';
	r = reader_of(out.at, out.len);
	assert_int_equal(batch_item_decode(&r, &got), ERR_DAMAGED);
	r = reader_of(out.at, out.len / 2 - 1);
	assert_int_equal(batch_item_decode(&r, &got), ERR_DAMAGED);
	bytes_release(&out);
}

static void test_store(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct span items;
	struct batch got;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(batch_store(&txn, &sample), 1);
	assert_int_equal(batch_store(&txn, &sample), 2);
	assert_int_equal(batch_store_part(&txn, 1, 0, span_text("zero")), 1);
	assert_int_equal(batch_store_part(&txn, 1, 1, span_text("one")), 1);
	assert_int_equal(batch_store_part(&txn, 3, 0, span_text("nobody's")), 0);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(batch_get(&txn, 2, &got), 1);
	assert_int_equal(got.number, 2);
	assert_string_equal(got.verb, "hold");
	assert_int_equal(batch_get(&txn, 3, &got), 0);
	assert_int_equal(batch_get_part(&txn, 1, 1, &items), 1);
	assert_memory_equal(items.at, "one", 3);
	assert_int_equal(batch_get_part(&txn, 1, 2, &items), 0);
	assert_int_equal(batch_next(&txn, 0, &got), 1);
	assert_int_equal(got.number, 1);
	assert_int_equal(batch_next(&txn, 2, &got), 1);
	assert_int_equal(got.number, 2);
	assert_int_equal(batch_next(&txn, 3, &got), 0);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void test_oldest_go_and_numbers_stay_unique(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	const uint64_t total = BATCH_KEEP + 50;
	struct batch got;
	struct txn txn;
	uint64_t rows;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (uint64_t i = 1; i <= total; i++) {
		assert_int_equal(batch_store(&txn, &sample), i);
		if (i <= 10)
			assert_int_equal(batch_store_part(&txn, i, 0, span_text("part")), 1);
	}
	assert_int_equal(txn_count(&txn, STORE_BATCH, &rows), 0);
	assert_int_equal(rows, BATCH_KEEP);
	assert_int_equal(batch_next(&txn, 0, &got), 1);
	assert_int_equal(got.number, 51);
	/* Even with all of them gone the next number is new. */
	for (uint64_t i = 51; i <= total; i++) {
		unsigned char key[12] = {0};

		be64_store(key, i);
		assert_int_equal(
		    txn_delete(&txn, STORE_BATCH, (struct span){.at = key, .len = 12}), 1);
	}
	assert_int_equal(batch_store(&txn, &sample), total + 1);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	store_close(store);
	fixture_remove(dir);
}

static void test_drop_oldest(void **state)
{
	const struct span items = {.at = "xx", .len = 2};
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct batch got;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(batch_drop_oldest(&txn), 0);
	for (uint64_t n = 1; n <= 3; n++) {
		assert_int_equal(batch_store(&txn, &sample), n);
		assert_int_equal(batch_store_part(&txn, n, 0, items), 1);
		assert_int_equal(batch_store_part(&txn, n, 1, items), 1);
	}
	assert_int_equal(batch_drop_oldest(&txn), 1);
	assert_int_equal(batch_get(&txn, 1, &got), 0);
	assert_int_equal(batch_next(&txn, 0, &got), 1);
	assert_int_equal(got.number, 2);
	assert_int_equal(batch_drop_oldest(&txn), 1);
	assert_int_equal(batch_drop_oldest(&txn), 0); /* the last one stays */
	assert_int_equal(batch_get(&txn, 3, &got), 1);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_drop_oldest), cmocka_unit_test(test_codec),
    cmocka_unit_test(test_long_command_is_cut), cmocka_unit_test(test_items),
    cmocka_unit_test(test_store), cmocka_unit_test(test_oldest_go_and_numbers_stay_unique))
