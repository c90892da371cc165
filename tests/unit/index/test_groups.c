/* SPDX-License-Identifier: ISC */
/* The index's counts by group, compared with a count of all rows after any changes. */
#include <pthread.h>

#include "tests/unit/index/update_fixture.h"

#include "index/index_private.h"

#define SMALL_MAP (INT64_C(1) << 20)
#define NAMES     40
#define MINUTE    (60 * USEC_PER_SEC)

static int64_t wall_now = INT64_C(29000000) * MINUTE;

static int64_t wall(void)
{
	return wall_now;
}

static struct json *ask_as(struct index *ix, enum group_kind kind, bool login_exact)
{
	struct census_question q = {.kind = kind,
	    .login_exact = login_exact,
	    .limit = CENSUS_LIST,
	    .like = "",
	    .now = clock_wall()};
	struct json *written = NULL, *answer = NULL;
	struct strbuf text = {0};
	struct err err = {0};

	if (index_groups(ix, &q, NEVER, &written, &err) != 0)
		case_fail("groups", "%s", err.text);
	assert_int_equal(json_write(&text, written), 0);
	assert_int_equal(json_parse(text.text, text.len, &answer, NULL), 0);
	strbuf_release(&text);
	return answer;
}

/* ---- the other count: all rows, name by name */

static struct json *ask(struct index *ix, enum group_kind kind)
{
	return ask_as(ix, kind, false);
}

struct naive {
	const char *name;
	int64_t count, bytes;
	bool in_this;
};

static int see(void *arg, const char *name)
{
	struct naive *n = arg;

	n->in_this = n->in_this || strcmp(n->name, name) == 0;
	return 0;
}

static struct naive count_rows(
    const struct candidates *rows, enum group_kind kind, const char *name)
{
	struct naive n = {.name = name};

	for (size_t i = 0; i < rows->count; i++) {
		struct message m = candidate_message(&rows->list[i]);

		n.in_this = false;
		assert_int_equal(group_each(&m, kind, false, see, &n), 0);
		n.count += n.in_this;
		n.bytes += n.in_this && m.queued.known ? m.queued.size : 0;
	}
	return n;
}

static int64_t sum_of(const struct json *o, const char *key)
{
	int64_t sum = 0;

	for (size_t i = 0; i < json_count(o, key); i++)
		sum += json_int(json_at(o, key, i), NULL, 0);
	return sum;
}

static void check_group(const struct json *o, const struct candidates *rows, enum group_kind kind)
{
	const char *name = json_words(o, "group");
	struct naive n = count_rows(rows, kind, name);

	if (json_int(o, "count", -1) != n.count || json_int(o, "bytes", -1) != n.bytes)
		case_fail(name,
		    "%" PRId64 " of %" PRId64 " bytes, but there are %" PRId64 " of %" PRId64,
		    json_int(o, "count", -1), json_int(o, "bytes", -1), n.count, n.bytes);
	case_assert(name, sum_of(o, "ages") == n.count);
}

/* Every listed group has the right count, and together they cover all rows. */
static void check(struct index *ix)
{
	struct candidates rows = rows_of(ix, NULL);

	for (size_t kind = 0; kind < GROUP_KINDS; kind++) {
		struct json *o = ask(ix, (enum group_kind)kind);
		int64_t sum = 0;

		case_assert(group_word((enum group_kind)kind),
		    json_int(o, "count", -1) == (int64_t)rows.count);
		case_assert("others", json_int(o, "others", -1) == 0);
		case_assert("told", (int64_t)json_count(o, "list") == json_int(o, "groups", -1));
		for (size_t i = 0; i < json_count(o, "list"); i++) {
			check_group(json_at(o, "list", i), &rows, (enum group_kind)kind);
			sum += json_int(json_at(o, "list", i), "count", 0);
		}
		/* each mail here has at most one mailbox and one recipient */
		case_assert(group_word((enum group_kind)kind), sum == (int64_t)rows.count);
		json_free(o);
	}
	candidates_release(&rows);
}

/* ---- random changes of rows */

static struct mail random_mail(char texts[4][64])
{
	for (int i = 0; i < 4; i++)
		snprintf(texts[i], 64, "u@n%d.example", rand() % NAMES);
	return (struct mail){.usec = (uint32_t)(rand() % 1000),
	    .inode = 100 + (uint64_t)(rand() % 500),
	    .time = wall_now - rand() % (int)(30 * MINUTE),
	    .sender = rand() % 10 ? texts[0] : "",
	    .from = rand() % 10 ? texts[1] : NULL,
	    .recipient = texts[2],
	    .login = rand() % 2 ? texts[3] : NULL,
	    .client = rand() % 2 ? "192.0.2.1" : "2001:db8::1"};
}

static uint64_t completed, dropped;

/* In a map this small there may be no room. */
static void try_record(struct index *ix, const struct mail *mail)
{
	struct message m = fixture_message(mail);
	int code = index_record(ix, &m, NULL);

	assert_true(code == 0 || code == ERR_FULL);
}

static void try_update(struct index *ix, const struct said *said)
{
	struct bytes body = {0}, out = {0};
	struct index_updated updated = {0};
	int code;

	said_encode(said, &body);
	code = index_update(
	    ix, bytes_span(&body), NULL, &(struct strlist){0}, NEVER, &out, &updated, NULL);
	assert_true(code == 0 || code == ERR_FULL);
	completed += updated.completed;
	dropped += updated.dropped;
	bytes_release(&body);
	bytes_release(&out);
}

/* As a catch-up reads it: with other words, and perhaps for the first time. */
static void read_some(struct index *ix)
{
	char texts[8][4][64];
	struct mail mails[8];
	struct said said = {.read = mails, .read_count = COUNT_OF(mails)};

	for (size_t i = 0; i < COUNT_OF(mails); i++) {
		mails[i] = random_mail(texts[i]);
		mails[i].arrival = mails[i].time + 1;
		mails[i].queued_sender = rand() % 2 ? texts[i][3] : NULL;
	}
	for (; said.left_count < 8; said.left_count++)
		said.left[said.left_count] =
		    fixture_packed((uint32_t)(rand() % 1000), 100 + (uint64_t)(rand() % 500));
	try_update(ix, &said);
}

/* Reading completes the rows of the same message: ID, times and client agree. */
static void complete_some(struct index *ix)
{
	struct candidates rows = rows_of(ix, NULL);
	char texts[4][64];

	for (size_t i = 0; i < rows.count && i < 5; i++) {
		struct candidate *c = &rows.list[(size_t)rand() % rows.count];
		struct message m = candidate_message(c);
		struct queue_id_parts parts;
		struct mail mail = random_mail(texts);

		queue_id_split(&m.queue_id, &parts);
		mail.usec = parts.usec;
		mail.inode = parts.inode;
		mail.time = m.mail_time;
		mail.arrival = m.mail_time + 1;
		mail.client = m.client.family == 6 ? "2001:db8::1" : "192.0.2.1";
		try_update(ix, &(struct said){.read = &mail, .read_count = 1});
	}
	candidates_release(&rows);
}

static void fail_one(struct index *ix)
{
	char texts[4][64];
	struct mail mail = random_mail(texts);
	struct txn txn;

	assert_int_equal(txn_begin(ix->store, true, &txn), 0);
	fixture_add(&txn, &mail, NULL);
	if (rand() % 2)
		(void)txn_fail(&txn, ERR_FULL, NULL);
	if (txn.code != 0)
		assert_int_equal(txn_commit(&txn, NULL), ERR_FULL);
	else
		txn_abort(&txn);
}

static void try_step(struct index *ix)
{
	char texts[4][64];
	struct mail mail = random_mail(texts);

	switch (rand() % 20) {
	case 0:
		read_some(ix);
		break;
	case 1:
		complete_some(ix);
		break;
	case 2:
		fail_one(ix);
		break;
	case 3:
		wall_now += rand() % (int)(3 * MINUTE);
		break;
	case 4:
		assert_true(index_prune(ix, NULL) >= 0);
		break;
	default:
		try_record(ix, &mail);
	}
}

static void test_random(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = NULL;

	(void)state;
	srand(11);
	clock_inject(wall, NULL);
	assert_int_equal(index_open(dir, SMALL_MAP, &ix, NULL, NULL), 0);
	for (int i = 0; i < 6000; i++) {
		try_step(ix);
		if (i % 200 == 199)
			check(ix);
	}
	/* Every kind of change happened. */
	assert_true(fixture_counts(ix).evicted > 0);
	assert_true(completed > 100);
	assert_true(dropped > 100);
	index_close(ix);
	/* Rows from before are counted at the first question. */
	assert_int_equal(index_open(dir, SMALL_MAP, &ix, NULL, NULL), 0);
	check(ix);
	index_close(ix);
	clock_inject(NULL, NULL);
	fixture_remove(dir);
}

/* A commit fails after its changes were counted: the next question counts anew. */
static void test_failed_commit(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);

	(void)state;
	fixture_record(ix, &(struct mail){.usec = 1, .inode = 100, .time = 1000});
	check(ix);
	ix->counting.watch.fails(ix);
	assert_true(census_failed(ix->counting.census));
	check(ix);
	assert_false(census_failed(ix->counting.census));
	index_close(ix);
	fixture_remove(dir);
}

/* ---- while others write */

static atomic_bool done;

static void *record_many(void *arg)
{
	unsigned seed = 3;

	for (uint32_t i = 0; !done; i++) {
		struct message m;
		struct queue_id id;
		char text[32];

		message_init(&m);
		snprintf(text, sizeof(text), "%05X%X", i % 1000000, 100 + rand_r(&seed) % 4000);
		assert_int_equal(queue_id_parse(text, strlen(text), &id), 0);
		m.queue_id = id;
		m.origin = ORIGIN_SMTPD;
		m.mail_time = m.rcpt_time = m.end_time = clock_wall();
		m.sender = "a@example.com";
		assert_int_equal(index_record(arg, &m, NULL), 0);
	}
	return NULL;
}

/* Counting begins among writers and counts each row once. */
static void test_writers(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	pthread_t threads[3];

	(void)state;
	for (uint32_t i = 0; i < 3000; i++)
		fixture_record(ix, &(struct mail){.usec = i, .inode = 100 + i, .time = 1000});
	done = false;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, record_many, ix), 0);
	for (int round = 0; round < 5; round++) {
		json_free(ask(ix, GROUP_SENDER));
		ix->counting.watch.fails(ix); /* counts anew */
	}
	json_free(ask(ix, GROUP_SENDER));
	done = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	check(ix);
	index_close(ix);
	fixture_remove(dir);
}

static int64_t steady_now;

static int64_t steady(void)
{
	return steady_now;
}

/* After a while without questions nothing is kept; the next question counts anew. */
static void test_rest(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);

	(void)state;
	clock_inject(NULL, steady);
	steady_now = 1000;
	fixture_record(ix, &(struct mail){.usec = 1, .inode = 100, .time = 1000});
	assert_null(ix->counting.census);
	check(ix);
	steady_now += INDEX_GROUPS_REST;
	assert_int_equal(index_prune(ix, NULL), 0);
	assert_non_null(ix->counting.census);
	steady_now += 2;
	assert_int_equal(index_prune(ix, NULL), 0);
	assert_null(ix->counting.census);
	fixture_record(ix, &(struct mail){.usec = 2, .inode = 200, .time = 1000});
	check(ix);
	clock_inject(NULL, NULL);
	index_close(ix);
	fixture_remove(dir);
}

static unsigned slices;
static void (*count_journal)(void *);

static void see_commit(void *arg)
{
	slices++;
	count_journal(arg);
}

static int64_t slow_steady(void)
{
	return steady_now += INDEX_SLICE;
}

/* Large rows on a slow machine: it pauses after each, so that others do not wait too long. */
static void test_slice(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		fixture_record(ix, &(struct mail){.usec = i, .inode = 100 + i, .time = 1000});
	slices = 0;
	count_journal = ix->counting.watch.commits;
	ix->counting.watch.commits = see_commit;
	clock_inject(NULL, slow_steady);
	json_free(ask(ix, GROUP_SENDER));
	clock_inject(NULL, NULL);
	assert_true(slices >= 40 && slices <= 42);
	check(ix);
	index_close(ix);
	fixture_remove(dir);
}

/* A census that distinguishes cases does not answer a question that does not. */
static void test_login_case(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	const char *const logins[] = {"joe", "Joe", "jim"};

	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(logins); i++)
		fixture_record(ix,
		    &(struct mail){.usec = i, .inode = 100 + i, .time = 1000, .login = logins[i]});
	for (int turn = 0; turn < 4; turn++) {
		bool exact = turn % 2;
		struct json *o = ask_as(ix, GROUP_LOGIN, exact);

		assert_int_equal(json_int(o, "groups", -1), exact ? 3 : 2);
		json_free(o);
	}
	index_close(ix);
	fixture_remove(dir);
}

static void test_deadline(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct census_question q = {.like = ""};
	struct json *answer = NULL;

	(void)state;
	assert_int_equal(index_groups(ix, &q, 0, &answer, NULL), ERR_TIMEOUT);
	assert_null(answer);
	check(ix);
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_random), cmocka_unit_test(test_failed_commit),
    cmocka_unit_test(test_writers), cmocka_unit_test(test_rest), cmocka_unit_test(test_slice),
    cmocka_unit_test(test_login_case), cmocka_unit_test(test_deadline))
