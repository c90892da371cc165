/* SPDX-License-Identifier: ISC */
/* What a catch-up read and missed, compared with the existing rows. */
#include "tests/unit/index/update_fixture.h"

#include "index/index_private.h"
#include "tests/unit/index/faults.h"

/* What the milter saw, and the same message as the queue file says it. */
static const struct mail given = {.usec = 1,
    .inode = 100,
    .time = 1000,
    .sender = "a@example.com",
    .recipient = "u@dest.example",
    .login = "joe",
    .message_id = "<1@example.com>"};

static struct mail read_of(const struct mail *mail)
{
	struct mail m = *mail;

	m.arrival = mail->time + 1;
	return m;
}

static void test_completes(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail read = read_of(&given);
	struct candidates c;
	struct index_updated updated;
	struct message m;

	(void)state;
	read.sender = "srs@relay.example";
	read.login = NULL;
	fixture_record(ix, &given);
	fixture_record(ix, &(struct mail){.usec = 2, .inode = 200, .time = 1000});
	updated = update(ix, &(struct said){.read = &read, .read_count = 1});
	assert_int_equal(updated.completed, 1);
	assert_int_equal(updated.added, 0);
	assert_int_equal(updated.dropped, 0);
	c = rows_of(ix, NULL);
	assert_int_equal(c.count, 2);
	m = candidate_message(&c.list[0]);
	assert_int_equal(m.origin, ORIGIN_SMTPD);
	assert_string_equal(m.sender, "a@example.com");
	assert_string_equal(m.login, "joe");
	assert_true(m.queued.known);
	assert_string_equal(m.queued.sender, "srs@relay.example");
	assert_int_equal(m.queued.arrival_time, 1001);
	candidates_release(&c);
	/* Read again, with one recipient less. */
	read.queued_recipient = "v@dest.example";
	updated = update(ix, &(struct said){.read = &read, .read_count = 1});
	assert_int_equal(updated.completed, 1);
	c = rows_of(ix, NULL);
	assert_int_equal(c.count, 2);
	m = candidate_message(&c.list[0]);
	assert_string_equal(m.queued.recipients.first, "v@dest.example");
	assert_string_equal(m.recipients.first, "u@dest.example");
	candidates_release(&c);
	index_close(ix);
	fixture_remove(dir);
}

/* Tells a command that a second selection would give the same. */
static void test_changes(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail read = read_of(&given);
	uint64_t fresh = index_changes(ix), completed;

	(void)state;
	assert_int_not_equal(fresh, 0);
	fixture_record(ix, &given);
	(void)update(ix, &(struct said){.left = {fixture_packed(1, 100)}, .left_count = 1});
	assert_int_equal(index_changes(ix), fresh);
	fixture_record(ix, &given);
	(void)update(ix, &(struct said){.read = &read, .read_count = 1});
	completed = index_changes(ix);
	assert_int_not_equal(completed, 0);
	assert_int_not_equal(completed, fresh);
	index_close(ix);
	ix = fixture_index(dir);
	assert_int_not_equal(index_changes(ix), fresh);
	assert_int_not_equal(index_changes(ix), completed);
	index_close(ix);
	fixture_remove(dir);
}

static void test_adds(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail read = read_of(&given);
	struct index_updated updated;
	struct candidates c;
	struct message m;

	(void)state;
	updated = update(ix, &(struct said){.read = &read, .read_count = 1});
	assert_int_equal(updated.added, 1);
	c = rows_of(ix, NULL);
	assert_int_equal(c.count, 1);
	m = candidate_message(&c.list[0]);
	assert_int_equal(m.origin, ORIGIN_QUEUE);
	assert_string_equal(m.queued.sender, "a@example.com");
	candidates_release(&c);
	index_close(ix);
	fixture_remove(dir);
}

/* Of an ID that was read only the proven row stays or, if none is proven, the file's row. */
static void test_disproves(void **state)
{
	static const struct {
		const char *name;
		struct mail row; /* besides the file's row */
		bool recorded;   /* the file's own row exists, too */
		int64_t began;
		size_t rows;
		uint64_t completed, added, dropped, silent;
	} cases[] = {
	    {"forged beside the true one", {.usec = 1, .inode = 100, .time = 900}, true, 0, 1, 1, 0,
		1, 1},
	    {"forged alone", {.usec = 1, .inode = 100, .time = 900}, false, 0, 1, 0, 1, 1, 1},
	    {"the ID's message before", {.usec = 1, .inode = 100, .time = 900, .arrival = 901},
		false, 0, 1, 0, 1, 1, 0},
	    {"came after the file was read", {.usec = 1, .inode = 100, .time = 9000}, true, 8000, 2,
		1, 0, 0, 0},
	    {"another ID of the inode", {.usec = 2, .inode = 100, .time = 900}, true, 0, 2, 1, 0, 0,
		0},
	    {"its times may be wrong, another's sender",
		{.usec = 1, .inode = 100, .time = 9000, .stepped = true}, false, 0, 1, 0, 1, 1, 1},
	    {"its times may be wrong, the sender agrees",
		{.usec = 1, .inode = 100, .time = 9000, .sender = "a@example.com", .stepped = true},
		false, 0, 1, 1, 0, 0, 0},
	    {"another client's, in the window",
		{.usec = 1, .inode = 100, .time = 1000, .client = "198.51.100.9"}, true, 0, 1, 1, 0,
		1, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct index *ix = fixture_index(dir);
		struct mail read = read_of(&given);
		struct index_updated u;
		struct candidates c;

		fixture_record(ix, &cases[i].row);
		if (cases[i].recorded)
			fixture_record(ix, &given);
		u = update(
		    ix, &(struct said){.read = &read, .read_count = 1, .began = cases[i].began});
		c = rows_of(ix, NULL);
		if (c.count != cases[i].rows || u.completed != cases[i].completed ||
		    u.added != cases[i].added || u.dropped != cases[i].dropped ||
		    u.silent != cases[i].silent)
			case_fail(cases[i].name, "%zu rows, %d completed, %d added, %d dropped, %d",
			    c.count, (int)u.completed, (int)u.added, (int)u.dropped, (int)u.silent);
		candidates_release(&c);
		index_close(ix);
		fixture_remove(dir);
	}
}

/* A restored spool: the same IDs on other inodes. From then on the file alone counts. */
static void test_moved(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail read = read_of(&given);
	struct bytes out = {0};
	struct candidates c;
	struct packed_id name;
	struct reader r;

	(void)state;
	fixture_record(ix, &given);
	read.file_inode = 555;
	(void)update(ix, &(struct said){.read = &read, .read_count = 1});
	c = rows_of(ix, NULL);
	assert_int_equal(c.count, 1);
	assert_int_equal(candidate_message(&c.list[0]).queued.inode, 555);
	candidates_release(&c);
	assert_int_equal(index_names(ix, NEVER, &out, NULL), 0);
	r = reader_of(out.at, out.len);
	(void)reader_take(&r, 24);
	memcpy(&name, reader_take(&r, sizeof name), sizeof name);
	assert_int_equal(name.time & PACKED_ID_FLAGS, INDEX_NAME_READ | INDEX_NAME_MOVED);
	/* A second reading changes nothing. */
	assert_int_equal(update(ix, &(struct said){.read = &read, .read_count = 1}).completed, 1);
	bytes_release(&out);
	index_close(ix);
	fixture_remove(dir);
}

static void test_left(void **state)
{
	const struct mail other = {.usec = 2, .inode = 200, .time = 1000};
	const struct mail later = {.usec = 3, .inode = 300, .time = 9000};
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail read = read_of(&given);
	struct said said = {.left = {fixture_packed(1, 100), fixture_packed(2, 200),
				fixture_packed(3, 300), fixture_packed(4, 400)},
	    .left_count = 4,
	    .began = 8000};
	struct index_updated updated;
	struct candidates c;

	(void)state;
	fixture_record(ix, &given);
	(void)update(ix, &(struct said){.read = &read, .read_count = 1});
	fixture_record(ix, &other);
	fixture_record(ix, &later);
	updated = update(ix, &said);
	/* One was seen in the queue, one came after the walk, one never existed. */
	assert_int_equal(updated.dropped, 2);
	assert_int_equal(updated.silent, 1);
	c = rows_of(ix, NULL);
	assert_int_equal(c.count, 1);
	assert_int_equal(candidate_message(&c.list[0]).mail_time, 9000);
	candidates_release(&c);
	assert_int_equal(fixture_counts(ix).rows, 1);
	/* With all their rows in other tables. */
	assert_int_equal(fixture_rows(ix->store, STORE_AUTHOR), 1);
	assert_int_equal(fixture_rows(ix->store, STORE_INODE), 1);
	assert_int_equal(fixture_rows(ix->store, STORE_LEFT), 0);
	index_close(ix);
	fixture_remove(dir);
}

/* Whether the selector matches what was read, in the index's present state. */
static void test_selects(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail reads[2] = {read_of(&given), {.usec = 5, .inode = 500, .arrival = 77}};
	struct bytes out = {0};
	struct candidates c;
	struct selector s;
	struct blob blob;

	(void)state;
	reads[0].login = NULL; /* only the milter saw it */
	fixture_record(ix, &given);
	selector_init(&s);
	assert_int_equal(selector_add_login(&s, "joe"), 0);
	(void)update_with(ix, &(struct said){.read = reads, .read_count = 2}, &s, &out);
	blob = (struct blob){.at = out.at, .len = out.len};
	assert_int_equal(select_view(&blob, &c, NULL), 0);
	assert_int_equal(c.count, 1);
	assert_string_equal(candidate_message(&c.list[0]).login, "joe");
	assert_true(candidate_message(&c.list[0]).queued.known);
	candidates_release(&c);
	bytes_release(&out);
	selector_release(&s);
	index_close(ix);
	fixture_remove(dir);
}

static void test_place(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct index_counts counts;

	(void)state;
	(void)update(ix, &(struct said){.device = 7});
	counts = fixture_counts(ix);
	assert_int_equal(counts.place.device, 7);
	assert_int_equal(counts.caught_up, 0);
	assert_string_equal(counts.queue_directory, "/var/spool/postfix");
	assert_string_equal(counts.hostname, HOST);
	(void)update(ix, &(struct said){.device = 8, .whole = 500});
	counts = fixture_counts(ix);
	assert_int_equal(counts.place.device, 7);
	assert_int_equal(counts.caught_up, 500);
	(void)update(ix, &(struct said){.device = 8, .adopt = true});
	counts = fixture_counts(ix);
	assert_int_equal(counts.place.device, 8);
	assert_int_equal(counts.caught_up, 500);
	index_close(ix);
	fixture_remove(dir);
}

/* A body that is cut anywhere, or announces more than it has, changes nothing. */
static void test_nonsense(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail read = read_of(&given);
	struct said said = {.read = &read,
	    .read_count = 1,
	    .left = {fixture_packed(1, 100)},
	    .left_count = 1,
	    .adopt = true};
	struct bytes body = {0}, out = {0};
	struct index_updated updated;
	struct err err = {0};

	(void)state;
	said_encode(&said, &body);
	for (size_t len = 0; len < body.len; len++) {
		assert_int_equal(index_update(ix, (struct span){.at = body.at, .len = len}, NULL,
				     NULL, NEVER, &out, &updated, &err),
		    ERR_SYNTAX);
		assert_string_equal(err.text, "an update of the index is invalid");
	}
	assert_int_equal(fixture_counts(ix).rows, 0);
	assert_int_equal(fixture_counts(ix).place.device, 0);
	bytes_release(&body);
	/* A record of the milter's, and one whose checksum is wrong. */
	for (int i = 0; i < 2; i++) {
		struct message m = fixture_message(&given);
		struct bytes records = {0};
		struct update u = {.queue_directory = "", .hostname = "", .record_count = 1};

		body = (struct bytes){0};
		if (i == 1)
			m = fixture_message(&read);
		update_add(&records, &m);
		records.at[records.len - 1] ^= (unsigned char)i;
		u.records = bytes_span(&records);
		update_encode(&u, &body);
		assert_int_equal(
		    index_update(ix, bytes_span(&body), NULL, NULL, NEVER, &out, &updated, &err),
		    ERR_SYNTAX);
		bytes_release(&records);
		bytes_release(&body);
	}
	assert_int_equal(fixture_counts(ix).rows, 0);
	bytes_release(&out);
	index_close(ix);
	fixture_remove(dir);
}

/* Full in the middle of a slice: its items are done again, none twice. */
static void test_faults(void **state)
{
	struct mail reads[40];
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct said said = {.read = reads, .read_count = COUNT_OF(reads)};
	int failed = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(reads); i++)
		reads[i] = (struct mail){.usec = i, .inode = 100 + i, .arrival = 1000 + i};
	for (long after = 0; after < 300; after += 7) {
		struct bytes body = {0}, out = {0};
		struct index_updated updated = {0};
		struct candidates c;
		struct err err = {0};
		int code;

		said_encode(&said, &body);
		faults_set(after, 1, FAULT_MAP_FULL);
		code = index_update(ix, bytes_span(&body), NULL, NULL, NEVER, &out, &updated, &err);
		faults_set(0, 0, 0);
		failed += code != 0;
		if (code == 0)
			assert_int_equal(updated.added + updated.completed, COUNT_OF(reads));
		c = rows_of(ix, NULL);
		assert_true(c.count <= COUNT_OF(reads));
		candidates_release(&c);
		bytes_release(&body);
		bytes_release(&out);
	}
	assert_true(failed < 5); /* reads of the index's own state, before and after */
	index_close(ix);
	fixture_remove(dir);
}

/* Mail that can be read again does not displace mail that cannot; it is selected all the same. */
static void test_full(void **state)
{
	struct selector all;
	struct mail reads[200];
	char *dir = fixture_dir();
	struct index *ix = NULL;
	struct index_updated updated;
	struct index_counts before, after;
	struct bytes out = {0};
	struct reader r;

	(void)state;
	assert_int_equal(index_open(dir, INT64_C(1) << 20, &ix, NULL, NULL), 0);
	for (unsigned n = 0; fixture_counts(ix).evicted == 0; n++)
		fixture_record(ix, &(struct mail){.usec = n, .inode = 1000 + n, .time = 1000});
	before = fixture_counts(ix);
	for (unsigned i = 0; i < COUNT_OF(reads); i++)
		reads[i] = (struct mail){.usec = i, .inode = 900000 + i, .arrival = 1000 + i};
	selector_init(&all);
	all.all = true;
	updated = update_with(
	    ix, &(struct said){.read = reads, .read_count = COUNT_OF(reads)}, &all, &out);
	after = fixture_counts(ix);
	assert_true(updated.added < 20);
	assert_int_equal(after.evicted, before.evicted);
	r = reader_of(out.at, out.len);
	assert_int_equal(reader_u64(&r), COUNT_OF(reads));
	bytes_release(&out);
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_completes), cmocka_unit_test(test_changes),
    cmocka_unit_test(test_adds), cmocka_unit_test(test_disproves), cmocka_unit_test(test_moved),
    cmocka_unit_test(test_left), cmocka_unit_test(test_selects), cmocka_unit_test(test_place),
    cmocka_unit_test(test_nonsense), cmocka_unit_test(test_full), cmocka_unit_test(test_faults))
