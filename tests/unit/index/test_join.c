/* SPDX-License-Identifier: ISC */
/* Rows against names: which rows have none, which names have none, which are handed out. */
#include "tests/unit/index/fixture.h"

#include "index/join.h"

#define NOW    INT64_C(1700000000000000)
#define OLD    (NOW - 120 * USEC_PER_SEC)
#define YOUNG  (NOW - 30 * USEC_PER_SEC)
#define MINUTE (60 * USEC_PER_SEC)
#define NAMES  4

static char *dir;
static struct store *store;

static int open_index(void **state)
{
	(void)state;
	dir = fixture_dir();
	store = fixture_store(dir, MAP_SIZE);
	return 0;
}

static int close_index(void **state)
{
	(void)state;
	store_close(store);
	fixture_remove(dir);
	return 0;
}

static void add_all(const struct mail *mails, size_t count)
{
	struct txn txn;

	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (size_t i = 0; i < count; i++)
		fixture_add(&txn, &mails[i], NULL);
	assert_int_equal(txn_commit(&txn, NULL), 0);
}

static void join(const struct join_task *task, struct join *ret)
{
	struct bytes out = {0};
	struct blob memory;
	struct err err = {{0}};

	if (join_into(store, task, &out, &err) != 0)
		fail_msg("%s", err.text);
	memory = (struct blob){.at = out.at, .len = out.len};
	/* The bytes stay ours: the join views them, and releasing it unmaps nothing. */
	if (join_view(&memory, task->count, ret, &err) != 0)
		fail_msg("%s", err.text);
	ret->named.memory = (struct blob){.at = out.at, .len = out.len};
}

static void join_done(struct join *j)
{
	void *bytes = (void *)(uintptr_t)j->named.memory.at;

	join_release(j);
	free(bytes);
}

static void test_join(void **state)
{
	const struct mail mails[] = {
	    {.usec = 1, .inode = 11, .time = OLD, .sender = "a@b.example"},
	    {.usec = 2, .inode = 12, .time = OLD, .sender = "a@b.example"},
	    {.usec = 3, .inode = 13, .time = YOUNG, .sender = "a@b.example"},
	    {.usec = 4, .inode = 14, .time = OLD, .sender = ""},
	    {.usec = 5, .inode = 15, .time = NOW + 2 * MINUTE, .sender = "a@b.example"},
	};
	const struct queue_id names[NAMES] = {
	    fixture_id(1, 11), fixture_id(4, 14), fixture_id(7, 12), fixture_id(8, 99)};
	struct join_task task = {
	    .names = names, .count = NAMES, .now = NOW, .patience = MINUTE, .share = 1};
	struct join j;

	(void)state;
	add_all(mails, COUNT_OF(mails));
	join(&task, &j);
	assert_int_equal(j.rows, 5);
	assert_int_equal(j.young, 1);
	/* The second by its name, though its inode has one; the last is ahead of the clock. */
	assert_int_equal(j.nameless_count, 2);
	assert_int_equal(j.nameless[0].sequence, 2);
	assert_true(queue_id_equal(&j.nameless[0].queue_id, &(struct queue_id){"00002C"}));
	assert_int_equal(j.nameless[1].sequence, 5);
	assert_int_equal(j.unknown_count, 2);
	assert_int_equal(j.unknown[0], 2);
	assert_int_equal(j.unknown[1], 3);
	assert_int_equal(j.named.count, 2);
	assert_int_equal(j.named.list[0].sequence, 1);
	assert_int_equal(j.named.list[0].matched, JOIN_SHARE);
	assert_string_equal(candidate_message(&j.named.list[0]).sender, "a@b.example");
	join_done(&j);
}

static void test_shares(void **state)
{
	struct queue_id names[32];
	struct join_task task = {.names = names, .count = 32, .now = NOW, .patience = MINUTE};
	unsigned seen[32] = {0};
	struct join j;

	(void)state;
	for (uint32_t i = 0; i < 32; i++) {
		const struct mail mail = {
		    .usec = i, .inode = 100 + i, .time = OLD, .sender = i % 2 ? "" : "a@b.example"};

		add_all(&mail, 1);
		names[i] = fixture_id(i, 100 + i);
	}
	for (uint64_t turn = 0; turn < 4; turn++) {
		task.share = 4;
		task.turn = turn + 400;
		join(&task, &j);
		assert_int_equal(j.named.count, 8);
		for (size_t i = 0; i < j.named.count; i++)
			seen[j.named.list[i].sequence - 1]++;
		join_done(&j);
	}
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(seen[i], 1);
	task.share = 0;
	join(&task, &j);
	assert_int_equal(j.named.count, 0);
	join_done(&j);
	/* These have a client: they are no notices. */
	task.notices = true;
	join(&task, &j);
	assert_int_equal(j.named.count, 0);
	join_done(&j);
}

/* Bytes that no honest child sends. */
static void test_lies(void **state)
{
	const struct queue_id names[] = {fixture_id(1, 11), fixture_id(2, 12)};
	struct join_task task = {.names = names, .count = 2, .now = NOW, .patience = MINUTE};
	struct bytes out = {0};
	struct blob memory;
	struct join j;

	(void)state;
	add_all(&(struct mail){.usec = 3, .inode = 13, .time = OLD, .sender = "a@b.example"}, 1);
	assert_int_equal(join_into(store, &task, &out, NULL), 0);
	for (size_t len = 0; len < out.len; len++) {
		unsigned char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, out.at, len);
		memory = (struct blob){.at = copy, .len = len};
		assert_int_equal(join_view(&memory, 2, &j, NULL), ERR_CHILD);
		free(copy);
	}
	memory = (struct blob){.at = out.at, .len = out.len};
	assert_int_equal(join_view(&memory, 1, &j, NULL), ERR_CHILD);
	bytes_release(&out);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_index, close_index)
UNIT_MAIN(CASE(test_join), CASE(test_shares), CASE(test_lies))
