/* SPDX-License-Identifier: ISC */
/* Several passes as one outcome. */
#include "tests/unit/unit.h"

#include "purge/sweep.h"

struct row {
	uint64_t sequence;
	enum result result;
	int64_t mail_time; /* tells two messages under one sequence apart */
};

/* The records of all, in pass.candidates.made; where they lie is known once all are there. */
static void point_at_records(struct candidates *c)
{
	const unsigned char *at = c->made.at;

	for (size_t i = 0; i < c->count; i++) {
		c->list[i].record = at;
		at += c->list[i].record_len;
	}
}

/* A pass on the heap, as order_select would make it. */
static struct outcome make_pass(const struct row *rows, size_t count)
{
	struct outcome pass = {.count = count};

	pass.candidates.list = calloc(count + 1, sizeof(*pass.candidates.list));
	pass.candidates.count = count;
	pass.items = calloc(count + 1, sizeof(*pass.items));
	for (size_t i = 0; i < count; i++) {
		struct candidate *c = &pass.candidates.list[i];
		size_t before = pass.candidates.made.len;
		struct message m;

		message_init(&m);
		m.origin = ORIGIN_SMTPD;
		m.mail_time = rows[i].mail_time;
		snprintf(m.queue_id.text, sizeof(m.queue_id.text), "0AAAA%u",
		    (unsigned)rows[i].sequence);
		record_encode(&m, &pass.candidates.made);
		c->sequence = rows[i].sequence;
		c->record_len = (uint32_t)(pass.candidates.made.len - before);
		pass.items[i] = (struct item){.candidate = c, .result = rows[i].result};
	}
	point_at_records(&pass.candidates);
	return pass;
}

static void add(struct sweep *sweep, const struct row *rows, size_t count)
{
	struct outcome pass = make_pass(rows, count);

	assert_int_equal(sweep_add(sweep, &pass), 0);
	assert_null(pass.items);
}

static void assert_whole(const struct sweep *sweep, const struct row *want, size_t count)
{
	assert_int_equal(sweep->whole.count, count);
	for (size_t i = 0; i < count; i++) {
		const struct item *item = &sweep->whole.items[i];

		assert_int_equal(item->candidate->sequence, want[i].sequence);
		assert_int_equal(candidate_mail_time(item->candidate), want[i].mail_time);
		assert_int_equal(item->result, want[i].result);
	}
}

static void test_one(void **state)
{
	static const struct row rows[] = {{1, RESULT_DONE, 0}, {2, RESULT_FAILED, 0}};
	struct sweep sweep = {0};

	(void)state;
	add(&sweep, rows, 2);
	assert_whole(&sweep, rows, 2);
	assert_int_equal(sweep.count, 1);
	sweep_release(&sweep);
}

/* What was done stays done, though the next pass finds it gone; of all else the later pass knows
 * better. */
static void test_later_knows_better(void **state)
{
	static const struct row first[] = {{1, RESULT_DONE, 0}, {2, RESULT_FAILED, 0},
	    {3, RESULT_GONE, 0}, {5, RESULT_UNPROVEN, 0}};
	static const struct row second[] = {{1, RESULT_GONE, 0}, {2, RESULT_DONE, 0},
	    {3, RESULT_GONE, 0}, {4, RESULT_DONE, 0}, {5, RESULT_GONE, 0}, {6, RESULT_CHANGED, 0}};
	static const struct row third[] = {{6, RESULT_CHANGED, 0}};
	static const struct row want[] = {{1, RESULT_DONE, 0}, {2, RESULT_DONE, 0},
	    {3, RESULT_GONE, 0}, {4, RESULT_DONE, 0}, {5, RESULT_GONE, 0}, {6, RESULT_CHANGED, 0}};
	struct sweep sweep = {0};

	(void)state;
	add(&sweep, first, COUNT_OF(first));
	add(&sweep, second, COUNT_OF(second));
	add(&sweep, third, COUNT_OF(third));
	assert_whole(&sweep, want, COUNT_OF(want));
	sweep_release(&sweep);
}

/* A pass that was interrupted knows nothing of what it did not reach. */
static void test_interrupted(void **state)
{
	static const struct row first[] = {{1, RESULT_GONE, 0}, {2, RESULT_FAILED, 0},
	    {3, RESULT_CHANGED, 0}, {4, RESULT_EXCLUDED, 0}};
	static const struct row second[] = {{1, RESULT_UNTOUCHED, 0}, {2, RESULT_UNTOUCHED, 0},
	    {3, RESULT_UNTOUCHED, 0}, {4, RESULT_UNTOUCHED, 0}, {5, RESULT_UNTOUCHED, 0}};
	static const struct row want[] = {{1, RESULT_GONE, 0}, {2, RESULT_FAILED, 0},
	    {3, RESULT_CHANGED, 0}, {4, RESULT_EXCLUDED, 0}, {5, RESULT_UNTOUCHED, 0}};
	struct sweep sweep = {0};

	(void)state;
	add(&sweep, first, COUNT_OF(first));
	add(&sweep, second, COUNT_OF(second));
	assert_whole(&sweep, want, COUNT_OF(want));
	sweep_release(&sweep);
}

/* A sequence that was dropped may come again, for another message. */
static void test_sequence_again(void **state)
{
	static const struct row first[] = {{7, RESULT_DONE, 100}};
	static const struct row second[] = {{7, RESULT_DONE, 200}, {8, RESULT_DONE, 300}};
	static const struct row want[] = {
	    {7, RESULT_DONE, 100}, {7, RESULT_DONE, 200}, {8, RESULT_DONE, 300}};
	struct sweep sweep = {0};

	(void)state;
	add(&sweep, first, COUNT_OF(first));
	add(&sweep, second, COUNT_OF(second));
	assert_whole(&sweep, want, COUNT_OF(want));
	sweep_release(&sweep);
}

/* What was found by a scan has sequence 0, all of it, and comes in any order. */
static void test_no_sequence(void **state)
{
	static const struct row first[] = {{0, RESULT_FAILED, 200}};
	static const struct row second[] = {{0, RESULT_DONE, 200}, {0, RESULT_DONE, 100}};
	static const struct row want[] = {{0, RESULT_DONE, 100}, {0, RESULT_DONE, 200}};
	struct sweep sweep = {0};

	(void)state;
	add(&sweep, first, COUNT_OF(first));
	add(&sweep, second, COUNT_OF(second));
	assert_whole(&sweep, want, COUNT_OF(want));
	sweep_release(&sweep);
}

static void test_empty(void **state)
{
	struct sweep sweep = {0};

	(void)state;
	add(&sweep, NULL, 0);
	add(&sweep, NULL, 0);
	assert_int_equal(sweep.whole.count, 0);
	assert_int_equal(sweep.count, 2);
	sweep_release(&sweep);
	sweep_release(&sweep);
}

UNIT_MAIN(cmocka_unit_test(test_one), cmocka_unit_test(test_later_knows_better),
    cmocka_unit_test(test_interrupted), cmocka_unit_test(test_sequence_again),
    cmocka_unit_test(test_no_sequence), cmocka_unit_test(test_empty))
