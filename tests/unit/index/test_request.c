/* SPDX-License-Identifier: ISC */
/* Requests: applied, refused, and never half applied. */
#include "tests/unit/index/fixture.h"

#include "index/request.h"
#include "index/rulebook.h"

static struct store *store;
static char *dir;

static int setup(void **state)
{
	(void)state;
	dir = fixture_dir();
	store = fixture_store(dir, MAP_SIZE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	fixture_remove(dir);
	return 0;
}

/* Applies and commits; the code of either. */
static int apply(struct span request, uint64_t *ret_value, struct err *err)
{
	struct txn txn;
	int code;

	(void)txn_begin(store, true, &txn);
	code = request_apply(&txn, request, ret_value, err);
	if (code != 0) {
		txn_abort(&txn);
		return code;
	}
	return txn_commit(&txn, err);
}

static struct bytes encoded_record(const struct mail *mail)
{
	struct message m = fixture_message(mail);
	struct bytes record = {0};

	record_encode(&m, &record);
	return record;
}

static void test_add_and_drop(void **state)
{
	struct bytes a = encoded_record(
	    &(struct mail){.usec = 1, .inode = 10, .time = 100, .sender = "a@x.example"});
	struct bytes b = encoded_record(
	    &(struct mail){.usec = 2, .inode = 11, .time = 100, .sender = "b@x.example"});
	struct span records[] = {bytes_span(&a), bytes_span(&b)};
	struct request_row rows[] = {
	    {1, fixture_id(1, 10)}, {2, fixture_id(9, 99)}, {7, fixture_id(2, 11)}};
	struct bytes request = {0};
	uint64_t value = 99;

	(void)state;
	request_add(&request, records, COUNT_OF(records));
	assert_int_equal(request_kind_of(bytes_span(&request)), REQUEST_ADD);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 2);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 0); /* known already */
	request_drop(&request, rows, COUNT_OF(rows));
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 1);
	assert_int_equal(fixture_rows(store, STORE_MESSAGE), 1);
	bytes_release(&a);
	bytes_release(&b);
	bytes_release(&request);
}

/* One bad record among good ones: none is added. */
static void test_malformed_changes_nothing(void **state)
{
	struct bytes a = encoded_record(
	    &(struct mail){.usec = 1, .inode = 10, .time = 100, .sender = "a@x.example"});
	struct span records[] = {bytes_span(&a), span_text("not a record")};
	struct bytes request = {0};
	struct err err = {0};
	uint64_t value = 99;

	(void)state;
	request_add(&request, records, COUNT_OF(records));
	assert_int_equal(apply(bytes_span(&request), &value, &err), ERR_SYNTAX);
	assert_string_equal(err.text, "malformed request");
	assert_int_equal(value, 99);
	assert_int_equal(fixture_rows(store, STORE_MESSAGE), 0);
	bytes_release(&a);
	bytes_release(&request);
}

static void test_too_many_rows(void **state)
{
	struct request_row *rows = calloc(REQUEST_ROWS_MAX + 1, sizeof *rows);
	struct bytes request = {0};
	uint64_t value;

	(void)state;
	assert_non_null(rows);
	for (size_t i = 0; i <= REQUEST_ROWS_MAX; i++)
		rows[i] = (struct request_row){.sequence = i, .queue_id = fixture_id(1, 10)};
	request_drop(&request, rows, REQUEST_ROWS_MAX);
	assert_true(request.len < REQUEST_MAX);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	request_drop(&request, rows, REQUEST_ROWS_MAX + 1);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), ERR_SYNTAX);
	free(rows);
	bytes_release(&request);
}

static void test_batch(void **state)
{
	struct batch batch = {.verb = "purge",
			 .user = "root",
			 .command = "x",
			 .reason = "",
			 .matched = 1},
		     got;
	struct batch_item item = {.queue_id = fixture_id(1, 10), .result = 2};
	struct bytes request = {0}, items = {0};
	struct err err = {0};
	uint64_t value = 0;
	struct txn txn;

	(void)state;
	request_batch(&request, &batch);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 1);
	batch_item_encode(&item, &items);
	request_batch_part(&request, 1, 0, bytes_span(&items));
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 1);
	request_batch_part(&request, 2, 0, bytes_span(&items));
	assert_int_equal(apply(bytes_span(&request), &value, &err), ERR_SYNTAX);
	assert_string_equal(err.text, "no batch 2");
	bytes_put_u8(&items, 3);
	request_batch_part(&request, 1, 1, bytes_span(&items));
	assert_int_equal(apply(bytes_span(&request), &value, &err), ERR_SYNTAX);
	bytes_clear(&items);
	for (int i = 0; i <= BATCH_PART_ITEMS; i++)
		batch_item_encode(&item, &items);
	request_batch_part(&request, 1, 1, bytes_span(&items));
	assert_int_equal(apply(bytes_span(&request), &value, &err), ERR_SYNTAX);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(batch_get(&txn, 1, &got), 1);
	assert_string_equal(got.verb, "purge");
	txn_abort(&txn);
	bytes_release(&items);
	bytes_release(&request);
}

static void test_rules(void **state)
{
	struct bytes request = {0};
	struct rule rule, got;
	const char *subject;
	uint64_t value = 9;

	(void)state;
	assert_int_equal(rule_make("example.com", RULE_REJECT, NULL, &rule, NULL), 0);
	request_rule_set(&request, &rule);
	assert_true(request_touches_rules(request_kind_of(bytes_span(&request))));
	assert_int_equal(request_rule_of(bytes_span(&request), &got, NULL), 0);
	assert_string_equal(got.subject, rule.subject);
	rule_release(&got);
	assert_int_equal(request_subject_of(bytes_span(&request), &subject), ERR_SYNTAX);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 0);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 1);
	request_rule_unset(&request, "example.com");
	assert_int_equal(request_rule_of(bytes_span(&request), &got, NULL), ERR_SYNTAX);
	assert_int_equal(request_subject_of(bytes_span(&request), &subject), 0);
	assert_string_equal(subject, "example.com");
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 1);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 0);
	rule_release(&rule);
	bytes_release(&request);
}

static void test_instance(void **state)
{
	struct bytes request = {0};
	struct err err = {0};
	uint64_t value = 9;

	(void)state;
	request_instance(&request, "/var/spool/postfix", "mx.example");
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 1);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 0);
	request_instance(&request, "/var/spool/other", "mx.example");
	assert_int_equal(apply(bytes_span(&request), &value, &err), ERR_INSTANCE);
	assert_non_null(strstr(err.text, "queue directory '/var/spool/postfix'"));
	request_instance(&request, "/var/spool/postfix", "renamed.example");
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 1);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	assert_int_equal(value, 0);
	bytes_release(&request);
}

static void test_synced(void **state)
{
	struct synced synced = {.time = 5000, .unindexed = 3, .maildrop = 2, .arriving = 1}, got;
	struct coverage_row pruned = {.kind = COVERAGE_PRUNED, .to = 10, .count = 1};
	struct bytes request = {0};
	uint64_t value;
	struct txn txn;

	(void)state;
	request_synced(&request, &synced);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	request.len--;
	assert_int_equal(apply(bytes_span(&request), &value, NULL), ERR_SYNTAX);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(synced_get(&txn, &got), 0);
	assert_memory_equal(&got, &synced, sizeof(got));
	coverage_put(&txn, &pruned);
	assert_int_equal(synced_get(&txn, &got), 0);
	assert_int_equal(got.time, 0);
	txn_abort(&txn);
	bytes_release(&request);
}

/* There is nothing to apply: the writer has saved them before. */
static void test_hits(void **state)
{
	struct bytes request = {0};
	uint64_t value;

	(void)state;
	request_hits(&request);
	assert_true(request_needs_daemon(request_kind_of(bytes_span(&request))));
	assert_int_equal(apply(bytes_span(&request), &value, NULL), 0);
	bytes_put_u8(&request, 1);
	assert_int_equal(apply(bytes_span(&request), &value, NULL), ERR_SYNTAX);
	bytes_release(&request);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
		int want;
	} cases[] = {
	    {"empty", "", 0, ERR_SYNTAX},
	    {"short", "\1\0\1", 3, ERR_SYNTAX},
	    {"version 0", "\0\0\1\0", 4, ERR_SYNTAX},
	    {"newer", "\2\0\1\0", 4, ERR_VERSION},
	    {"kind 0", "\1\0\0\0", 4, ERR_SYNTAX},
	    {"unknown kind", "\1\0\143\0", 4, ERR_SYNTAX},
	    {"status", "\1\0\1\0", 4, REQUEST_STATUS},
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct span request = {.at = cases[i].bytes, .len = cases[i].len};

		case_assert(cases[i].name, request_kind_of(request) == cases[i].want);
		case_assert(cases[i].name, apply(request, &value, NULL) ==
					       (cases[i].want < 0 ? cases[i].want : ERR_SYNTAX));
	}
}

static void test_reply(void **state)
{
	struct reply reply = {
	    .code = ERR_FULL, .value = 7, .text = "full", .status = "a=b\n", .saved = true};
	struct bytes frame = {0};
	struct reply got;

	(void)state;
	reply_encode(&reply, &frame);
	assert_int_equal(reply_decode(bytes_span(&frame), &got), 0);
	assert_int_equal(got.code, ERR_FULL);
	assert_int_equal(got.value, 7);
	assert_string_equal(got.text, "full");
	assert_string_equal(got.status, "a=b\n");
	assert_true(got.saved);
	for (size_t len = 0; len < frame.len; len++)
		assert_int_equal(
		    reply_decode((struct span){.at = frame.at, .len = len}, &got), ERR_SYNTAX);
	frame.at[0]++;
	assert_int_equal(reply_decode(bytes_span(&frame), &got), ERR_VERSION);
	bytes_release(&frame);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
UNIT_MAIN(TEST(test_add_and_drop), TEST(test_malformed_changes_nothing), TEST(test_too_many_rows),
    TEST(test_batch), TEST(test_rules), TEST(test_instance), TEST(test_synced), TEST(test_hits),
    TEST(test_kinds), TEST(test_reply))
