/* SPDX-License-Identifier: ISC */
/* All IDs: packed, each once, with what is known of them. */
#include "tests/unit/index/fixture.h"

#include "tests/unit/index/faults.h"

struct names {
	struct bytes out;
	const struct packed_id *list;
	uint64_t count, device, inode;
};

static struct names names_of(struct index *ix)
{
	struct names n = {0};
	struct err err = {0};
	struct reader r;

	if (index_names(ix, NEVER, &n.out, &err) != 0)
		case_fail("names", "%s", err.text);
	r = reader_of(n.out.at, n.out.len);
	n.device = reader_u64(&r);
	n.inode = reader_u64(&r);
	n.count = reader_u64(&r);
	n.list = reader_take(&r, n.count * sizeof *n.list);
	assert_true(reader_done(&r));
	return n;
}

static void assert_sorted(const struct names *n)
{
	for (uint64_t i = 1; i < n->count; i++)
		assert_true(n->list[i - 1].inode <= n->list[i].inode);
}

static void test_none(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct names n = names_of(ix);

	(void)state;
	assert_int_equal(n.count, 0);
	assert_int_equal(n.device, 0);
	bytes_release(&n.out);
	index_close(ix);
	fixture_remove(dir);
}

static void test_flags(void **state)
{
	static const struct mail mails[] = {
	    {.usec = 5, .inode = 300, .time = 1000}, /* not read */
	    {.usec = 4, .inode = 301, .time = 1000, .arrival = 1001},
	    {.usec = 3, .inode = 302, .time = 1000, .arrival = 1001, .file_inode = 9},
	    {.usec = 2, .inode = 303, .time = 1000, .arrival = 1001},
	    {.usec = 2, .inode = 303, .time = 3000}, /* the same ID again, not read */
	    {.usec = 1, .inode = 303, .time = 4000}, /* the same inode, another ID */
	};
	static const struct {
		uint32_t usec;
		uint64_t inode, flags;
	} want[] = {{5, 300, 0}, {4, 301, INDEX_NAME_READ},
	    {3, 302, INDEX_NAME_READ | INDEX_NAME_MOVED}, {2, 303, 0}, {1, 303, 0}};
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct names n;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(mails); i++)
		fixture_record(ix, &mails[i]);
	n = names_of(ix);
	assert_int_equal(n.count, COUNT_OF(want));
	assert_sorted(&n);
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		struct queue_id id, other = fixture_id(want[i].usec, want[i].inode);

		assert_int_equal(queue_id_unpack(&n.list[i], &id), 0);
		assert_string_equal(id.text, other.text);
		assert_int_equal(n.list[i].time & PACKED_ID_FLAGS, want[i].flags);
	}
	bytes_release(&n.out);
	index_close(ix);
	fixture_remove(dir);
}

static void record_long(struct index *ix, const char *text, int64_t time)
{
	struct message m = fixture_message(&(struct mail){.usec = 1, .inode = 1, .time = time});

	assert_int_equal(queue_id_parse(text, strlen(text), &m.queue_id), 0);
	assert_int_equal(index_record(ix, &m, NULL), 0);
}

/* Both kinds of ID, many, unordered; and a clock that makes each step take long. */
static atomic_long now;

static int64_t slow_clock(void)
{
	return 1000000 + 300000 * atomic_fetch_add(&now, 1);
}

static void test_many(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct bytes out = {0};
	struct err err = {0};
	struct names n;

	(void)state;
	record_long(ix, "3Pt2mN2VXxznjll", 5000);
	record_long(ix, "4dFVrw75plz1p3V6", 5000);
	for (unsigned i = 0; i < 20000; i++)
		fixture_record(ix,
		    &(struct mail){
			.usec = i * 7919 % 1000000, .inode = 1000 + i * 31 % 20000, .time = 1000});
	clock_inject(NULL, slow_clock);
	renewals = 0;
	n = names_of(ix);
	assert_true(renewals > 0);
	assert_int_equal(n.count, 20002);
	assert_sorted(&n);
	assert_int_equal(index_names(ix, slow_clock() + 300000, &out, &err), ERR_TIMEOUT);
	clock_inject(NULL, NULL);
	bytes_release(&out);
	bytes_release(&n.out);
	index_close(ix);
	fixture_remove(dir);
}

static void test_faults(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct bytes out = {0};
	struct err err = {0};
	int failed = 0;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		fixture_record(ix, &(struct mail){.usec = i, .inode = 10 + i, .time = 1000});
	for (long after = 0; after < 20; after++) {
		faults_set(after, 1, EIO);
		if (index_names(ix, NEVER, &out, &err) != 0) {
			assert_true(err.text[0] != '\0');
			failed++;
		}
		faults_set(0, 0, 0);
	}
	assert_true(failed > 5 && failed < 20);
	bytes_release(&out);
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_none), cmocka_unit_test(test_flags), cmocka_unit_test(test_many),
    cmocka_unit_test(test_faults))
