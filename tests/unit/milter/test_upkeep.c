/* SPDX-License-Identifier: ISC */
/* Room in the index: what goes first when it is nearly full. */
#include "tests/unit/index/fixture.h"

#include "index/batch.h"
#include "milter/upkeep.h"

#define SMALL_MAP (INT64_C(16) << 20)
#define PARTS     10
#define PART_SIZE 35000

static void put_batch(struct home *home)
{
	static const struct batch batch = {
	    .verb = "purge", .user = "someone", .command = "purge", .reason = ""};
	static const char items[PART_SIZE];
	struct txn txn;

	assert_int_equal(txn_begin(home->store, true, &txn), 0);
	uint64_t number = batch_store(&txn, &batch);
	for (uint32_t part = 0; part < PARTS; part++)
		assert_int_equal(
		    batch_store_part(&txn, number, part, (struct span){items, sizeof(items)}), 1);
	assert_int_equal(txn_commit(&txn, NULL), 0);
}

static void put_messages(struct home *home, unsigned *number, unsigned count)
{
	struct bytes record = {0};
	struct message m;
	struct txn txn;
	char id[QUEUE_ID_MAX + 1];

	assert_int_equal(txn_begin(home->store, true, &txn), 0);
	for (; count > 0; count--, ++*number) {
		message_init(&m);
		snprintf(id, sizeof(id), "%05X%X", *number % 1000000, 4096 + *number);
		assert_int_equal(queue_id_parse(id, strlen(id), &m.queue_id), 0);
		m.sender = "a@example.com";
		bytes_clear(&record);
		record_encode(&m, &record);
		entry_add(&txn, bytes_span(&record), NULL);
	}
	assert_int_equal(txn_commit(&txn, NULL), 0);
	bytes_release(&record);
}

static void look(struct upkeep *u, struct home *home)
{
	struct err err;

	assert_int_equal(upkeep_space(u, home->directory, home->store, &err), 0);
}

/* Nothing goes while a reader lags. */
static void test_reader(void **state)
{
	char *dir = fixture_dir();
	struct upkeep u = {0};
	unsigned number = 0;
	struct home home;
	struct err err;

	(void)state;
	assert_int_equal(home_open(dir, SMALL_MAP, false, &home, &err), 0);
	for (look(&u, &home); !upkeep_must_prune(&u); look(&u, &home))
		put_messages(&home, &number, 500);
	pid_t pid = fixture_reader(dir);
	look(&u, &home);
	assert_true(upkeep_must_prune(&u)); /* it reads what is there */
	put_messages(&home, &number, 1);
	look(&u, &home);
	assert_true(upkeep_must_prune(&u)); /* it is behind; not for long, yet */
	assert_int_equal(u.lagging, 0);
	u.behind_since -= UPKEEP_READER_TIME;
	look(&u, &home);
	assert_false(upkeep_must_prune(&u));
	assert_int_equal(u.lagging, pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	look(&u, &home);
	assert_int_equal(u.lagging, 0);
	assert_true(upkeep_must_prune(&u));
	home_close(&home);
	fixture_remove(dir);
}

/* A large account goes before messages do, down to its part; the last batch stays. */
static void test_account_goes_first(void **state)
{
	char *dir = fixture_dir();
	struct upkeep u = {0};
	unsigned number = 0;
	struct home home;
	struct err err;

	(void)state;
	assert_int_equal(home_open(dir, SMALL_MAP, false, &home, &err), 0);
	for (int i = 0; i < 20; i++)
		put_batch(&home);
	for (look(&u, &home); !upkeep_must_prune(&u); look(&u, &home))
		put_messages(&home, &number, 500);
	assert_true(u.usage.pages[STORE_BATCH] > u.page_limit / UPKEEP_ACCOUNT_PART);
	while (upkeep_must_prune(&u))
		assert_int_equal(upkeep_prune(&u, dir, home.store, &err), 0);
	assert_int_equal(u.pruned, 0);
	assert_int_equal(u.usage.rows[STORE_MESSAGE], number);

	while (u.pruned == 0) {
		put_messages(&home, &number, 500);
		for (look(&u, &home); upkeep_must_prune(&u);)
			assert_int_equal(upkeep_prune(&u, dir, home.store, &err), 0);
	}
	assert_true(u.usage.pages[STORE_BATCH] <= u.page_limit / UPKEEP_ACCOUNT_PART);
	assert_true(u.usage.rows[STORE_BATCH] >= PARTS + 1);
	home_close(&home);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_reader), cmocka_unit_test(test_account_goes_first))
