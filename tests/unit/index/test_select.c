/* SPDX-License-Identifier: ISC */
/* Selection: exactly the selector's matches, from either source. */
#include "tests/unit/index/select_fixture.h"

#include "tests/unit/index/faults.h"

static void test_selectors(void **state)
{
	static const struct {
		const char *name;
		struct ask ask;
		const char *want;
	} cases[] = {
	    {"domain", {.author = {"example.com"}}, "0 4 9"},
	    {"subdomains", {.author = {".example.com"}}, "1 5"},
	    {"within", {.author = {"example.com"}, .subdomains = true}, "0 1 4 5 9"},
	    {"address", {.author = {"A@example.com"}}, "0"},
	    {"null sender", {.author = {"<>"}}, "5"},
	    {"literal", {.author = {"[192.0.2.1]"}}, "7"},
	    {"alternatives out of order",
		{.author = {"example.net", "other.example", "example.com"}}, "0 4 6 9"},
	    {"the same twice", {.author = {"example.com", "h@example.com"}}, "0 4 9"},
	    {"expression", {.author = {"/^[ab]@.*example/"}}, "0 1"},
	    {"expression and domain", {.author = {"/^[ab]@.*example/", "example.net"}}, "0 1 6"},
	    {"sender", {.sender = "example.com"}, "0 9"},
	    {"from", {.from = "example.com"}, "4 9"},
	    {"expression, narrowed by from", {.author = {"/example/"}, .from = "example.com"},
		"4 9"},
	    {"author and from", {.author = {"other.example"}, .from = "example.com"}, "4"},
	    {"recipient", {.recipient = "dest.example"}, "0 6"},
	    {"recipient and author", {.author = {"example.com"}, .recipient = "dest.example"}, "0"},
	    {"login", {.login = "mallory"}, "1"},
	    {"ids", {.ids = {7, 2}}, "1 6"},
	    {"ids and author", {.ids = {7, 2}, .author = {"example.net"}}, "6"},
	    {"no ids at all", {.no_ids = true}, ""},
	    {"all", {.all = true}, "0 1 2 3 4 5 6 7 8 9 10 11"},
	    {"nothing asked", {.all = false}, ""},
	    {"unknown domain", {.author = {"nowhere.test"}}, ""},
	    {"long domain", {.author = {deep_domain}}, "10"},
	    {"long domain below", {.author = {deeper_domain}}, "11"},
	    {"long domain within", {.author = {deep_domain}, .subdomains = true}, "10 11"},
	    {"whole top", {.author = {".com"}}, "0 1 2 4 5 9 10 11"},
	};
	char *dir = fixture_dir(), got[200];
	struct store *store = fixture_store(dir, MAP_SIZE);

	(void)state;
	add_mails(store);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s = selector_of(&cases[i].ask);
		struct bytes out = {0};
		struct candidates c;

		case_assert(cases[i].name, select_into(store, &s, NEVER, &out, NULL) == 0);
		c = view(&out);
		positions_of(&c, got, sizeof got);
		case_assert_text(cases[i].name, got, cases[i].want);
		case_assert(cases[i].name, c.damaged == 0);
		candidates_release(&c);
		bytes_release(&out);
		selector_release(&s);
	}
	store_close(store);
	fixture_remove(dir);
}

static void test_what_matched(void **state)
{
	struct selector s = selector_of(&(struct ask){.author = {"example.com"}});
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct bytes out = {0};
	struct candidates c;

	(void)state;
	add_mails(store);
	assert_int_equal(select_into(store, &s, NEVER, &out, NULL), 0);
	c = view(&out);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.list[0].matched, MATCHED_ENVELOPE);
	assert_int_equal(c.list[1].matched, MATCHED_FROM);
	assert_int_equal(c.list[2].matched, MATCHED_ENVELOPE | MATCHED_FROM);
	assert_int_equal(c.list[0].sequence, 1);
	assert_string_equal(candidate_message(&c.list[0]).sender, "a@example.com");
	candidates_release(&c);
	bytes_release(&out);
	selector_release(&s);
	store_close(store);
	fixture_remove(dir);
}

static void test_damaged_rows_are_counted(void **state)
{
	struct selector s = selector_of(&(struct ask){.author = {"example.com"}});
	struct selector all = selector_of(&(struct ask){.all = true});
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	unsigned char key[ENTRY_KEY_SIZE];
	struct bytes out = {0};
	struct candidates c;
	struct txn txn;

	(void)state;
	add_mails(store);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	txn_put(&txn, STORE_MESSAGE, entry_key(1, key), span_text("damage"), false);
	assert_int_equal(txn_delete(&txn, STORE_MESSAGE, entry_key(10, key)),
	    1); /* an author row that points nowhere */
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(select_into(store, &s, NEVER, &out, NULL), 0);
	c = view(&out);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.damaged, 1);
	candidates_release(&c);
	bytes_clear(&out);
	assert_int_equal(select_into(store, &all, NEVER, &out, NULL), 0);
	c = view(&out);
	assert_int_equal(c.count, COUNT_OF(mails) - 2);
	assert_int_equal(c.damaged, 1);
	candidates_release(&c);
	bytes_release(&out);
	selector_release(&s);
	selector_release(&all);
	store_close(store);
	fixture_remove(dir);
}

/* One flipped bit anywhere in a record, whether the record then matches or not. */
static void test_a_damaged_bit(void **state)
{
	struct selector domain = selector_of(&(struct ask){.author = {"example.com"}});
	struct selector login = selector_of(&(struct ask){.login = "mallory"});
	const struct selector *selectors[] = {&domain, &login};
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct bytes whole = {0};
	unsigned char key[ENTRY_KEY_SIZE];
	struct span record;
	struct txn txn;

	(void)state;
	add_mails(store);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(txn_get(&txn, STORE_MESSAGE, entry_key(1, key), &record), 1);
	bytes_put(&whole, record.at, record.len);
	txn_abort(&txn);
	for (size_t i = 1; i < whole.len; i++) {
		whole.at[i] ^= 4;
		assert_int_equal(txn_begin(store, true, &txn), 0);
		txn_put(&txn, STORE_MESSAGE, entry_key(1, key), bytes_span(&whole), false);
		assert_int_equal(txn_commit(&txn, NULL), 0);
		whole.at[i] ^= 4;
		for (size_t n = 0; n < COUNT_OF(selectors); n++) {
			struct bytes out = {0};
			struct candidates c;

			assert_int_equal(select_into(store, selectors[n], NEVER, &out, NULL), 0);
			c = view(&out);
			assert_int_equal(c.damaged, 1);
			assert_int_equal(c.count, n == 0 ? 2 : 1);
			candidates_release(&c);
			bytes_release(&out);
		}
	}
	bytes_release(&whole);
	selector_release(&domain);
	selector_release(&login);
	store_close(store);
	fixture_remove(dir);
}

static void test_read_faults(void **state)
{
	static const struct ask asks[] = {{.author = {"example.com"}}, {.ids = {1}}, {.all = true}};
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);

	(void)state;
	add_mails(store);
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		struct selector s = selector_of(&asks[i]);
		long n = 0;
		int code;

		do {
			struct bytes out = {0};
			struct err err = {0};

			faults_set(n++, 1L << 60, EIO);
			code = select_into(store, &s, NEVER, &out, &err);
			faults_set(0, 0, 0);
			if (code != 0)
				assert_true(code == -EIO && err.text[0] != '\0');
			bytes_release(&out);
		} while (code != 0 && n < 1000);
		assert_true(n > 4 && n < 100);
		selector_release(&s);
	}
	store_close(store);
	fixture_remove(dir);
}

/* The parent believes nothing that the child wrote. */
static void test_view_of_nonsense(void **state)
{
	struct selector s = selector_of(&(struct ask){.author = {"example.com"}});
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct bytes out = {0};
	struct candidates c;
	struct blob blob;

	(void)state;
	add_mails(store);
	assert_int_equal(select_into(store, &s, NEVER, &out, NULL), 0);
	for (size_t len = 0; len < out.len; len++) {
		blob = (struct blob){.at = out.at, .len = len};
		assert_int_equal(select_view(&blob, &c, NULL), ERR_CHILD);
	}
	for (size_t i = 0; i < out.len; i++) {
		if ((i >= 8 && i < 44) || (i > 44 && out.at[i] == 0))
			continue; /* counts and sequences may have any value */
		out.at[i] ^= 0x80;
		blob = (struct blob){.at = out.at, .len = out.len};
		if (select_view(&blob, &c, NULL) == 0) {
			candidates_release(&c);
		} else {
			assert_null(blob.at);
		}
		out.at[i] ^= 0x80;
	}
	out.at[out.len - 2] ^= 1;
	blob = (struct blob){.at = out.at, .len = out.len};
	assert_int_equal(select_view(&blob, &c, NULL), 0);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.damaged, 1);
	candidates_release(&c);
	bytes_release(&out);
	selector_release(&s);
	store_close(store);
	fixture_remove(dir);
}

/* Undecided rows are counted: an expression past its limit, and mail back from a filter whose first
 * pass is unknown. */
static void test_notes(void **state)
{
	static char long_local[200];
	struct selector expression = selector_of(&(struct ask){.author = {"/^(a+)+$/"}});
	struct selector login = selector_of(&(struct ask){.login = "joe"});
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct message m;
	struct bytes out = {0}, record = {0};
	struct candidates c;
	struct txn txn;

	(void)state;
	memset(long_local, 'a', 60);
	(void)snprintf(long_local + 60, sizeof long_local - 60, "@example.com");
	m = fixture_message(&(struct mail){.usec = 1,
	    .inode = 100,
	    .time = 1000,
	    .sender = long_local,
	    .client = "127.0.0.1",
	    .queue_only = true,
	    .arrival = 1001});
	m.flags = MESSAGE_UNJOINED;
	record_encode(&m, &record);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	entry_add(&txn, bytes_span(&record), NULL);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(select_into(store, &expression, NEVER, &out, NULL), 0);
	c = view(&out);
	assert_int_equal(c.limits, 1);
	assert_int_equal(c.unjoined, 0);
	candidates_release(&c);
	bytes_clear(&out);
	assert_int_equal(select_into(store, &login, NEVER, &out, NULL), 0);
	c = view(&out);
	assert_int_equal(c.unjoined, 1);
	assert_int_equal(c.count, 0);
	candidates_release(&c);
	bytes_release(&out);
	bytes_release(&record);
	selector_release(&expression);
	selector_release(&login);
	store_close(store);
	fixture_remove(dir);
}

/* A message is found by what the client said or by what the queue file says. */
static void test_both_halves(void **state)
{
	static const struct {
		const char *name;
		struct ask ask;
		unsigned matched;
	} cases[] = {
	    {"given sender", {.author = {"example.com"}}, MATCHED_ENVELOPE | MATCHED_GIVEN},
	    {"queued sender", {.author = {"relay.example"}}, MATCHED_ENVELOPE},
	    {"given recipient", {.recipient = "dest.example"}, MATCHED_OTHER},
	    {"queued recipient", {.recipient = "outside.example"}, MATCHED_OTHER},
	    {"neither", {.author = {"outside.example"}}, 0},
	};
	const struct mail mail = {.usec = 1,
	    .inode = 100,
	    .time = 1000,
	    .sender = "a@example.com",
	    .recipient = "u@dest.example",
	    .arrival = 1001,
	    .queued_sender = "srs@relay.example",
	    .queued_recipient = "u@outside.example"};
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	fixture_add(&txn, &mail, NULL);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s = selector_of(&cases[i].ask);
		struct bytes out = {0};
		struct candidates c;

		case_assert(cases[i].name, select_into(store, &s, NEVER, &out, NULL) == 0);
		c = view(&out);
		case_assert(cases[i].name, c.count == (cases[i].matched != 0));
		if (c.count == 1)
			case_assert(cases[i].name, c.list[0].matched == cases[i].matched);
		candidates_release(&c);
		bytes_release(&out);
		selector_release(&s);
	}
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_selectors), cmocka_unit_test(test_what_matched),
    cmocka_unit_test(test_both_halves), cmocka_unit_test(test_notes),
    cmocka_unit_test(test_damaged_rows_are_counted), cmocka_unit_test(test_a_damaged_bit),
    cmocka_unit_test(test_read_faults), cmocka_unit_test(test_view_of_nonsense))
