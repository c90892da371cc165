/* SPDX-License-Identifier: ISC */
/* Selections large enough to be split among threads: every row once, in order. */
#include "tests/unit/index/fixture.h"

#include "tests/unit/index/faults.h"

#include "index/rows/select.h"

#define ROWS        24001
#define INODES      100 /* the first inode */
#define DAMAGED     7   /* rows whose record is overwritten */
#define IS_BAD(n)   ((n) % 2 == 0)
#define IS_LOGIN(n) ((n) % 3 == 0)
/* Gaps of all kinds: single rows, and a long stretch at one end. */
#define IS_GONE(n) ((n) % 11 == 5 || (n) < 300)

static uint64_t sequences[ROWS];

static void fill(struct store *store)
{
	struct txn txn;

	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (unsigned n = 0; n < ROWS; n++) {
		struct mail mail = {.usec = n,
		    .inode = INODES + n,
		    .time = 1000 + n,
		    .sender = IS_BAD(n) ? "a@bad.example" : "b@good.example",
		    .login = IS_LOGIN(n) ? "mallory" : "alice"};

		fixture_add(&txn, &mail, &sequences[n]);
	}
	for (unsigned n = 0; n < ROWS; n++) {
		struct packed_id id = fixture_packed(n, INODES + n);

		if (IS_GONE(n))
			assert_int_equal(entry_drop(&txn, &id, sequences[n], 0), 1);
	}
	assert_int_equal(txn_commit(&txn, NULL), 0);
}

static bool is_damaged(unsigned n)
{
	return n % (ROWS / DAMAGED) == 600;
}

static unsigned damage(struct store *store)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	unsigned count = 0;
	struct txn txn;

	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (unsigned n = 0; n < ROWS; n++)
		if (is_damaged(n) && !IS_GONE(n)) {
			txn_put(&txn, STORE_MESSAGE, entry_key(sequences[n], buf),
			    span_text("not a record"), false);
			count++;
		}
	assert_int_equal(txn_commit(&txn, NULL), 0);
	return count;
}

static bool is_wanted(unsigned n, bool by_login)
{
	return !IS_GONE(n) && !is_damaged(n) && (by_login ? IS_LOGIN(n) : IS_BAD(n));
}

static void check(struct store *store, const struct selector *s, bool by_login, uint64_t damaged)
{
	const char *name = by_login ? "all rows" : "rows of a domain";
	struct candidates c;
	struct bytes out = {0};
	struct blob blob = {0};
	struct err err = {0};
	size_t at = 0;

	if (select_into(store, s, NEVER, &out, &err) != 0)
		case_fail(name, "%s", err.text);
	blob.at = out.at;
	blob.len = out.len;
	assert_int_equal(select_view(&blob, &c, &err), 0);
	for (unsigned n = 0; n < ROWS; n++) {
		if (!is_wanted(n, by_login))
			continue;
		if (at == c.count || c.list[at].sequence != sequences[n])
			case_fail(name, "row %u is missing, or not in its place", n);
		assert_int_equal(candidate_message(&c.list[at]).mail_time, 1000 + n);
		at++;
	}
	case_assert(name, at == c.count);
	case_assert(name, c.damaged == damaged);
	candidates_release(&c);
	bytes_release(&out);
}

static void select_login(struct selector *ret)
{
	selector_init(ret);
	assert_int_equal(selector_add_login(ret, "mallory"), 0);
	selector_seal(ret);
}

static void test_every_row_once(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct selector domain, login;
	struct pattern pattern;
	unsigned damaged, damaged_bad = 0;

	(void)state;
	fill(store);
	damaged = damage(store);
	for (unsigned n = 0; n < ROWS; n++)
		damaged_bad += is_damaged(n) && !IS_GONE(n) && IS_BAD(n);
	assert_true(damaged > 2);
	selector_init(&domain);
	assert_int_equal(pattern_parse("bad.example", &pattern, NULL), 0);
	assert_int_equal(pattern_set_add(&domain.author, &pattern), 0);
	selector_seal(&domain);
	select_login(&login);
	check(store, &domain, false, damaged_bad);
	check(store, &login, true, damaged);
	selector_release(&domain);
	selector_release(&login);
	store_close(store);
	fixture_remove(dir);
}

/* If a thread fails, the selection fails. */
static void test_faults(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct selector login;

	(void)state;
	fill(store);
	select_login(&login);
	for (long n = 0; n < ROWS * 3 / 4; n += 997) {
		struct bytes out = {0};
		struct err err = {0};
		int code;

		faults_set(n, 1L << 60, EIO);
		code = select_into(store, &login, NEVER, &out, &err);
		faults_set(0, 0, 0);
		assert_int_equal(code, -EIO);
		assert_true(err.text[0] != '\0');
		bytes_release(&out);
	}
	selector_release(&login);
	store_close(store);
	fixture_remove(dir);
}

static atomic_long now;

/* Each reading of the clock takes a while. */
static int64_t slow_clock(void)
{
	return 1000000 + 300000 * atomic_fetch_add(&now, 1);
}

/* Snapshots are given up between parts, and the selection ends at its deadline. */
static void test_time(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct selector login;
	struct bytes out = {0};
	struct err err = {0};
	unsigned damaged;

	(void)state;
	fill(store);
	damaged = damage(store);
	select_login(&login);
	clock_inject(NULL, slow_clock);
	renewals = 0;
	check(store, &login, true, damaged);
	assert_true(renewals > 0);
	assert_int_equal(
	    select_into(store, &login, slow_clock() + 1000000, &out, &err), ERR_TIMEOUT);
	assert_string_equal(err.text, "a selection from the index took too long");
	clock_inject(NULL, NULL);
	bytes_release(&out);
	selector_release(&login);
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_every_row_once), cmocka_unit_test(test_faults),
    cmocka_unit_test(test_time))
