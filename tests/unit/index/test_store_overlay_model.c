/* SPDX-License-Identifier: ISC */
/*
 * The overlay against LMDB: the same steps are taken in the overlay's fill and in a write
 * transaction on its base. Both must answer alike after each step, and in the end show the same
 * rows, whichever way one looks. Keys are few and short, so that they meet, precede and prefix one
 * another.
 */
#include "tests/unit/index/fixture.h"

#include "index/store_overlay.h"

/* ---- two transactions side by side */

struct pair {
	struct txn *real, *overlay;
	uint64_t random;   /* xorshift */
	const char *round; /* for what fails */
};

static unsigned below(struct pair *p, unsigned n)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (unsigned)(p->random >> 33) % n;
}

static void same_span(const struct pair *p, struct span real, struct span overlay)
{
	case_assert(p->round, real.len == overlay.len);
	case_assert(p->round, real.len == 0 || memcmp(real.at, overlay.at, real.len) == 0);
}

static void same_get(struct pair *p, enum store_table table, struct span key)
{
	struct span real, overlay;
	int found = txn_get(p->real, table, key, &real);

	case_assert(p->round, found >= 0);
	case_assert(p->round, txn_get(p->overlay, table, key, &overlay) == found);
	if (found == 1)
		same_span(p, real, overlay);
}

static void same_count(struct pair *p, enum store_table table)
{
	uint64_t real = 0, overlay = 0;

	case_assert(p->round, txn_count(p->real, table, &real) == 0);
	case_assert(p->round, txn_count(p->overlay, table, &overlay) == 0);
	case_assert(p->round, real == overlay);
}

struct cursors {
	struct store_cursor *real, *overlay;
};

static struct cursors open_cursors(struct pair *p, enum store_table table)
{
	return (struct cursors){cursor_open(p->real, table), cursor_open(p->overlay, table)};
}

static void close_cursors(struct cursors c)
{
	cursor_close(c.overlay);
	cursor_close(c.real);
}

typedef int mover(struct store_cursor *cursor, struct span *key, struct span *value);

static int seek(struct store_cursor *cursor, struct span *key, struct span *value)
{
	return cursor_seek(cursor, *key, key, value);
}

/* key: where to, for seek. Whether there was a row. */
static bool same_move(struct pair *p, struct cursors c, mover *move, struct span key)
{
	struct span real_key = key, overlay_key = key, real, overlay;
	int found = move(c.real, &real_key, &real);

	case_assert(p->round, found >= 0);
	case_assert(p->round, move(c.overlay, &overlay_key, &overlay) == found);
	if (found == 1) {
		same_span(p, real_key, overlay_key);
		same_span(p, real, overlay);
	}
	return found == 1;
}

/* All rows, from a cursor that was never moved; then the end again, and the last. */
static void same_walk(struct pair *p, enum store_table table)
{
	struct cursors c = open_cursors(p, table);

	while (same_move(p, c, cursor_next, EMPTY_SPAN))
		;
	(void)same_move(p, c, cursor_next, EMPTY_SPAN);
	(void)same_move(p, c, cursor_last, EMPTY_SPAN);
	(void)same_move(p, c, cursor_next, EMPTY_SPAN);
	close_cursors(c);
}

/* ---- random keys and steps */

enum { TABLES = 3, KEY_LENGTH = 4 }; /* the first of the tables */

static struct span random_key(struct pair *p, unsigned char buf[KEY_LENGTH])
{
	static const unsigned char letters[] = {0x00, 'a', 'b', 0xff};
	size_t len = 1 + below(p, KEY_LENGTH);

	for (size_t i = 0; i < len; i++)
		buf[i] = letters[below(p, COUNT_OF(letters))];
	return (struct span){.at = buf, .len = len};
}

enum { VALUE_MAX = 70000 };

/* Seldom one of many pages, which is also more than the delta takes from the system at once. */
static struct span random_value(struct pair *p)
{
	static const size_t lengths[] = {0, 1, 8, 8, 30, 300, 300, 4000};
	static unsigned char buf[VALUE_MAX];
	size_t len = below(p, 100) == 0 ? VALUE_MAX : lengths[below(p, COUNT_OF(lengths))];

	memset(buf, (int)below(p, 256), len);
	return (struct span){.at = buf, .len = len};
}

static void step_put(struct pair *p, enum store_table table, struct span key)
{
	struct span value = random_value(p);

	txn_put(p->real, table, key, value, false);
	txn_put(p->overlay, table, key, value, false);
}

static void step_delete(struct pair *p, enum store_table table, struct span key)
{
	int deleted = txn_delete(p->real, table, key);

	case_assert(p->round, txn_delete(p->overlay, table, key) == deleted);
}

/* What comes after the last row, if its key can be longer. */
static void step_append(struct pair *p, enum store_table table, struct span key)
{
	struct cursors c = open_cursors(p, table);
	unsigned char buf[KEY_LENGTH + 1] = {0};
	struct span last, value = {.at = "new", .len = 3};
	bool any = cursor_last(c.real, &last, &value) == 1;

	if (any)
		key = last;
	if (key.len <= KEY_LENGTH)
		memcpy(buf, key.at, key.len);
	close_cursors(c);
	if (key.len > KEY_LENGTH)
		return;
	key = (struct span){.at = buf, .len = key.len + 1};
	txn_put(p->real, table, key, span_text("new"), true);
	txn_put(p->overlay, table, key, span_text("new"), true);
}

static void step_last(struct pair *p, enum store_table table, struct span key)
{
	struct cursors c = open_cursors(p, table);

	(void)key;
	(void)same_move(p, c, cursor_last, EMPTY_SPAN);
	(void)same_move(p, c, cursor_next, EMPTY_SPAN);
	close_cursors(c);
}

/* Deletes the last rows, which is what the last one has to be found behind. */
static void step_delete_last(struct pair *p, enum store_table table, struct span key)
{
	for (unsigned n = below(p, 4); n > 0; n--) {
		struct store_cursor *cursor = cursor_open(p->real, table);
		unsigned char buf[KEY_LENGTH + 1];
		struct span last, value;
		bool any = cursor_last(cursor, &last, &value) == 1;

		if (any)
			key = (struct span){.at = memcpy(buf, last.at, last.len), .len = last.len};
		cursor_close(cursor);
		step_delete(p, table, key);
	}
}

static void step_seek(struct pair *p, enum store_table table, struct span key)
{
	struct cursors c = open_cursors(p, table);
	bool found = same_move(p, c, seek, key);

	for (unsigned n = below(p, 6); found && n > 0; n--)
		found = same_move(p, c, cursor_next, EMPTY_SPAN);
	close_cursors(c);
}

static void step_count(struct pair *p, enum store_table table, struct span key)
{
	(void)key;
	same_count(p, table);
}

typedef void step(struct pair *p, enum store_table table, struct span key);
static step *const steps[] = {step_put, step_put, step_put, step_delete, step_delete, step_delete,
    step_append, step_delete_last, same_get, step_last, step_seek, step_count};

static void take_steps(struct pair *p, unsigned count)
{
	unsigned char buf[KEY_LENGTH];

	for (unsigned i = 0; i < count; i++) {
		enum store_table table = below(p, TABLES);

		steps[below(p, COUNT_OF(steps))](p, table, random_key(p, buf));
		case_assert(p->round, p->real->code == 0 && p->overlay->code == 0);
	}
}

/* Everything that can be asked, in all tables. */
static void same_all(struct pair *p)
{
	unsigned char buf[KEY_LENGTH];

	for (enum store_table table = 0; table < STORE_TABLE_COUNT; table++) {
		struct cursors c;

		same_count(p, table);
		same_walk(p, table);
		c = open_cursors(p, table);
		for (int i = 0; i < 100; i++) {
			struct span key = random_key(p, buf);

			same_get(p, table, key);
			if (below(p, 2) == 0)
				step_seek(p, table, key);
			/* and with one cursor all over the table */
			else if (same_move(p, c, seek, key))
				(void)same_move(p, c, cursor_next, EMPTY_SPAN);
		}
		(void)same_move(p, c, seek, EMPTY_SPAN);
		close_cursors(c);
	}
	case_assert(p->round, p->real->code == 0 && p->overlay->code == 0);
}

/* ---- tests */

/* The work of a fill: with both transactions, before the overlay's is for reading. */
struct work {
	struct pair pair;
	void (*steps)(struct pair *p);
};

static int fill(void *arg, struct span read, struct txn *txn)
{
	struct work *work = arg;

	(void)read;
	work->pair.overlay = txn;
	work->steps(&work->pair);
	return txn->code;
}

static void run_round(struct store *base, struct store *overlay, struct work *work)
{
	struct txn real, txn;

	assert_int_equal(txn_begin(base, true, &real), 0);
	work->pair.real = &real;
	case_assert(work->pair.round, txn_begin(overlay, false, &txn) == 0);
	work->pair.overlay = &txn;
	same_all(&work->pair);
	txn_abort(&txn);
	/* What was written is the next round's base. */
	assert_int_equal(txn_commit(&real, NULL), 0);
}

static void random_steps(struct pair *p)
{
	unsigned count = below(p, 10) == 0 ? 600 : below(p, 120);

	take_steps(p, count);
}

static void test_random_steps(void **state)
{
	enum { ROUNDS = 80 };
	char *dir = fixture_dir(), name[40];
	struct work work = {.pair = {.random = 20240607, .round = name}, .steps = random_steps};
	struct store *base = fixture_store(dir, MAP_SIZE);
	struct store *overlay =
	    store_open_overlay(base, &(struct overlay_source){.fill = fill, .arg = &work});

	(void)state;
	assert_non_null(overlay);
	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(name, sizeof name, "round %d", i);
		run_round(base, overlay, &work);
	}
	store_close(overlay);
	fixture_remove(dir);
}

/* ---- messages */

static void add_both(struct pair *p, const struct mail *mail)
{
	uint64_t real = 0, overlay = 0;

	fixture_add(p->real, mail, &real);
	fixture_add(p->overlay, mail, &overlay);
	case_assert(p->round, real == overlay && real != 0);
}

static void drop_both(struct pair *p, uint64_t sequence, const struct queue_id *id, int want)
{
	case_assert(p->round, entry_drop(p->real, sequence, id) == want);
	case_assert(p->round, entry_drop(p->overlay, sequence, id) == want);
}

static const struct mail first = {
    .usec = 1, .inode = 100, .time = 1000, .sender = "a@example.com", .from = "b@example.org"};
static const struct mail second = {
    .usec = 2, .inode = 101, .time = 2000, .sender = "a@example.com"};
static const struct mail third = {.usec = 3, .inode = 102, .time = 3000, .sender = "c@example.net"};
static const struct mail on_first_inode = {
    .usec = 4, .inode = 100, .time = 4000, .sender = "d@example.org"};
static const struct mail on_third_inode = {
    .usec = 5, .inode = 102, .time = 5000, .sender = "e@example.org"};

static void add_three(struct pair *p)
{
	add_both(p, &first);
	add_both(p, &second);
	add_both(p, &third);
}

static void add_on_old_inode(struct pair *p)
{
	add_both(p, &on_first_inode);
}

/* The last row goes, and its number is given again. */
static void add_on_last_inode(struct pair *p)
{
	add_both(p, &on_third_inode);
	add_both(p, &on_first_inode);
}

static void drop_of_base(struct pair *p)
{
	struct queue_id one = fixture_id(1, 100), three = fixture_id(3, 102);

	drop_both(p, 1, &three, 0);
	drop_both(p, 1, &one, 1);
	drop_both(p, 1, &one, 0);
	drop_both(p, 3, &three, 1);
	add_both(p, &on_third_inode);
}

static void add_and_drop(struct pair *p)
{
	struct queue_id four = fixture_id(4, 100);

	add_both(p, &on_first_inode);
	drop_both(p, 4, &four, 1);
	add_both(p, &first);
}

static void prune(struct pair *p)
{
	int64_t real, overlay;

	add_both(p, &on_first_inode);
	case_assert(p->round, entry_prune(p->real, 2, &real) == 2);
	case_assert(p->round, entry_prune(p->overlay, 2, &overlay) == 2);
	case_assert(p->round, real == overlay);
}

static void test_messages(void **state)
{
	static const struct {
		const char *name;
		void (*steps)(struct pair *p);
		uint64_t messages, authors; /* in the end, over the three of the base */
	} cases[] = {
	    {"the old row of an inode goes", add_on_old_inode, 3, 3},
	    {"so does the last row", add_on_last_inode, 3, 3},
	    {"drop rows of the base", drop_of_base, 2, 2},
	    {"drop what was added", add_and_drop, 3, 4},
	    {"prune", prune, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct work work = {.pair = {.random = 1, .round = cases[i].name}};
		struct store *base = fixture_store(dir, MAP_SIZE);
		struct store *overlay =
		    store_open_overlay(base, &(struct overlay_source){.fill = fill, .arg = &work});

		assert_non_null(overlay);
		work.steps = add_three;
		run_round(base, overlay, &work);
		work.steps = cases[i].steps;
		run_round(base, overlay, &work);
		case_assert(cases[i].name, fixture_rows(base, STORE_MESSAGE) == cases[i].messages);
		case_assert(cases[i].name, fixture_rows(base, STORE_AUTHOR) == cases[i].authors);
		store_close(overlay);
		fixture_remove(dir);
	}
}

UNIT_MAIN(cmocka_unit_test(test_random_steps), cmocka_unit_test(test_messages))
