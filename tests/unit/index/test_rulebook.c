/* SPDX-License-Identifier: ISC */
/* The command's rules as the index keeps them. */
#include "tests/unit/index/fixture.h"

#include "index/rulebook.h"

static int set(
    struct txn *txn, const char *subject, enum rule_action action, int64_t expires, uint64_t hits)
{
	struct rule rule;
	int code;

	assert_int_equal(rule_make(subject, action, NULL, &rule, NULL), 0);
	rule.expires = expires;
	rule.hits = hits;
	code = rulebook_set(txn, &rule);
	rule_release(&rule);
	return code;
}

static struct rule_list load(struct txn *txn, int64_t wall, uint64_t *ret_damaged)
{
	struct rule_list list = {0};

	assert_int_equal(rulebook_load(txn, wall, &list, ret_damaged, NULL), 0);
	return list;
}

static void test_set_replace_unset(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct rule_list list;
	uint64_t damaged;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(set(&txn, "example.com", RULE_REJECT, 0, 0), 0);
	assert_int_equal(set(&txn, "login:mallory", RULE_HOLD, 0, 0), 0);
	rulebook_add_hits(&txn, "example.com", 3);
	rulebook_add_hits(&txn, "example.com", 4);
	rulebook_add_hits(&txn, "not.there", 4);
	assert_int_equal(set(&txn, "example.com", RULE_DEFER, 0, 0), 1);
	list = load(&txn, 1, &damaged);
	assert_int_equal(damaged, 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.list[0].subject, "example.com");
	assert_int_equal(list.list[0].action, RULE_DEFER);
	assert_int_equal(list.list[0].hits, 7);
	assert_string_equal(list.list[1].subject, "login:mallory");
	rule_list_release(&list);
	assert_int_equal(rulebook_unset(&txn, "example.com"), 1);
	assert_int_equal(rulebook_unset(&txn, "example.com"), 0);
	assert_int_equal(rulebook_unset(&txn, ""), 0);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

/* One that has expired and was not removed yet. */
static void test_replace_expired(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct rule_list list;
	struct rule rule;
	uint64_t damaged;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(set(&txn, "example.com", RULE_REJECT, 100, 7), 0);
	assert_int_equal(rule_make("example.com", RULE_HOLD, NULL, &rule, NULL), 0);
	rule.set_time = 99;
	assert_int_equal(rulebook_set(&txn, &rule), 1);
	rule.expires = 200;
	assert_int_equal(rulebook_set(&txn, &rule), 1);
	rule.set_time = 200;
	rule.expires = 0;
	assert_int_equal(rulebook_set(&txn, &rule), 0);
	list = load(&txn, 300, &damaged);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.list[0].hits, 0);
	rule_release(&rule);
	rule_list_release(&list);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void test_expiry(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct rule_list list;
	uint64_t damaged, rows;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (int i = 0; i < 1500; i++) {
		char subject[32];

		(void)snprintf(subject, sizeof subject, "d%d.example", i);
		assert_int_equal(set(&txn, subject, RULE_REJECT, 100, 0), 0);
	}
	assert_int_equal(set(&txn, "a.example", RULE_REJECT, 0, 0), 0);
	assert_int_equal(set(&txn, "z.example", RULE_REJECT, 200, 0), 0);
	list = load(&txn, 150, &damaged);
	assert_int_equal(list.count, 2);
	rule_list_release(&list);
	assert_int_equal(rulebook_expire(&txn, 50), 0);
	assert_int_equal(rulebook_expire(&txn, 150), 1000);
	assert_int_equal(rulebook_expire(&txn, 150), 500);
	assert_int_equal(rulebook_expire(&txn, 150), 0);
	assert_int_equal(txn_count(&txn, STORE_RULE, &rows), 0);
	assert_int_equal(rows, 2);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void test_damaged_rule_is_counted(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct rule_list list;
	uint64_t damaged;
	struct span row;
	struct txn txn;
	char copy[500];

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(set(&txn, "a.example", RULE_REJECT, 0, 0), 0);
	assert_int_equal(set(&txn, "b.example", RULE_REJECT, 0, 0), 0);
	/* A domain that changed by one bit must not be refused. */
	assert_int_equal(txn_get(&txn, STORE_RULE, span_text("b.example"), &row), 1);
	assert_true(row.len < sizeof copy);
	memcpy(copy, row.at, row.len);
	copy[row.len - 8] ^= 1;
	txn_put(&txn, STORE_RULE, span_text("b.example"), (struct span){.at = copy, .len = row.len},
	    false);
	txn_put(&txn, STORE_RULE, span_text("c.example"), span_text("short"), false);
	list = load(&txn, 1, &damaged);
	assert_int_equal(list.count, 1);
	assert_int_equal(damaged, 2);
	rule_list_release(&list);
	rulebook_add_hits(&txn, "c.example", 1);
	assert_int_equal(rulebook_expire(&txn, INT64_MAX), 0);
	assert_int_equal(rulebook_unset(&txn, "c.example"), 1);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

/* Two expressions longer than any key, alike up to their ends. */
static void test_long_subjects(void **state)
{
	char *dir = fixture_dir(), one[1000], two[1000];
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct rule_list list;
	uint64_t damaged;
	struct txn txn;

	(void)state;
	memset(one, 'x', sizeof one);
	one[0] = one[sizeof one - 2] = '/';
	one[sizeof one - 1] = '\0';
	memcpy(two, one, sizeof one);
	two[sizeof two - 3] = 'y';
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(set(&txn, one, RULE_REJECT, 0, 0), 0);
	assert_int_equal(set(&txn, two, RULE_HOLD, 0, 0), 0);
	assert_int_equal(set(&txn, one, RULE_REJECT, 0, 0), 1);
	list = load(&txn, 1, &damaged);
	assert_int_equal(list.count, 2);
	rule_list_release(&list);
	assert_int_equal(rulebook_unset(&txn, two), 1);
	list = load(&txn, 1, &damaged);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.list[0].subject, one);
	rule_list_release(&list);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void test_file_hits(void **state)
{
	char *dir = fixture_dir(), one[1000], two[1000];
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;

	(void)state;
	snprintf(one, sizeof(one), "/%0900d/", 1);
	snprintf(two, sizeof(two), "/%0900d/", 2);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(set(&txn, "example.com", RULE_REJECT, 0, 5), 0);
	rulebook_add_file_hits(&txn, "example.com", 3);
	rulebook_add_file_hits(&txn, "example.com", 4);
	rulebook_add_file_hits(&txn, one, 1);
	rulebook_add_file_hits(&txn, "none.example", 0);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(rulebook_file_hits(&txn, "example.com"), 7);
	assert_int_equal(rulebook_file_hits(&txn, one), 1);
	assert_int_equal(rulebook_file_hits(&txn, two), 0);
	assert_int_equal(rulebook_file_hits(&txn, "none.example"), 0);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_file_hits), cmocka_unit_test(test_set_replace_unset),
    cmocka_unit_test(test_replace_expired), cmocka_unit_test(test_expiry),
    cmocka_unit_test(test_damaged_rule_is_counted), cmocka_unit_test(test_long_subjects))
