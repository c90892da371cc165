/* SPDX-License-Identifier: ISC */
/* The writer against a real index, one that fails, one that hangs, and one that cannot be opened.
 */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "index/coverage.h"
#include "index/rulebook.h"
#include "index/store_double.h"
#include "milter/writer.h"

#define MAP_SIZE    (INT64_C(64) << 20)
#define PATIENCE    (20 * USEC_PER_SEC)
#define SESSIONS    20
#define PER_SESSION 25

enum wrapping { PLAIN, FAILING, BLOCKING };

/* One index directory and what the writer told about it. */
struct fixture {
	char directory[64];
	struct settings settings;
	struct writer *writer;
	atomic_int rules;   /* rules in the last list; -1 = never told */
	atomic_int answers; /* requests answered */
	int rules_when_answered;
	struct reply reply;
	char reply_text[512];
	_Atomic uint64_t hits_to_save;
};

/* open_home has no argument of its own. */
static enum wrapping wrapping;
static struct store_faults faults;
static atomic_bool blocked;
static atomic_int refuse_open; /* attempts that still fail */
static atomic_int opened;

static int open_home(
    const char *directory, int64_t map_size, bool recording, struct home *ret, struct err *err)
{
	if (refuse_open > 0) {
		refuse_open--;
		return err_set(err, ERR_LOCKED, "process 4711 is writing");
	}
	int code = home_open(directory, map_size, recording, ret, err);
	if (code)
		return code;
	opened++;
	if (wrapping == FAILING)
		ret->store = store_open_failing(ret->store, &faults);
	if (wrapping == BLOCKING)
		ret->store = store_open_blocking(ret->store, &blocked);
	return 0;
}

static void rules_changed(void *arg, struct rule_list *rules)
{
	struct fixture *f = arg;

	f->rules = (int)rules->count;
	rule_list_release(rules);
}

static void collect_hits(
    void *arg, void (*save)(void *to, const struct rule *r, uint64_t hits), void *to)
{
	struct fixture *f = arg;
	struct rule r;

	if (!f->hits_to_save)
		return;
	assert_int_equal(rule_make("bad.example", RULE_REJECT, NULL, &r, NULL), 0);
	save(to, &r, f->hits_to_save);
	f->hits_to_save = 0;
	rule_release(&r);
}

static void start(struct fixture *f)
{
	const struct writer_config config = {
	    .settings = &f->settings,
	    .rules_changed = rules_changed,
	    .collect_hits = collect_hits,
	    .arg = f,
	    .open_home = open_home,
	};
	struct err err;

	assert_int_equal(writer_start(&f->writer, &config, &err), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/pqp-writer.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	f->settings = (struct settings){
	    .index_directory = f->directory,
	    .index_map_size = MAP_SIZE,
	    .commit_timeout = 10 * USEC_PER_SEC,
	    .commit_delay = 20000,
	};
	f->rules = -1;
	wrapping = PLAIN;
	faults.fail_code = 0;
	faults.fail_after = 0;
	faults.commits_only = false;
	blocked = false;
	refuse_open = 0;
	opened = 0;
	*state = f;
	return 0;
}

static void remove_directory(const char *directory)
{
	static const char *const names[] = {"data.mdb", "lock.mdb", "lock", "run", ""};
	char path[128];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		if (names[i][0])
			unlink(path);
	}
	rmdir(directory);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	faults.fail_code = 0;
	blocked = false;
	if (!writer_stop(f->writer, PATIENCE))
		return -1;
	writer_free(f->writer);
	remove_directory(f->directory);
	free(f);
	return 0;
}

static void pause_briefly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Waits for a condition, for as long as a test may take. */
#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		int64_t wait_end = clock_steady() + PATIENCE;                                      \
		while (!(condition) && clock_steady() < wait_end)                                  \
			pause_briefly();                                                           \
		assert_true(condition);                                                            \
	} while (0)

static enum writer_result record(struct fixture *f, unsigned number)
{
	char reason[WRITER_REASON_MAX + 1];
	char id[QUEUE_ID_MAX + 1];
	struct message m;

	message_init(&m);
	snprintf(id, sizeof(id), "%05X%X", number % 1000000, 4096 + number);
	assert_int_equal(queue_id_parse(id, strlen(id), &m.queue_id), 0);
	m.origin = ORIGIN_SMTPD;
	m.mail_time = m.rcpt_time = m.end_time = clock_wall();
	m.sender = "a@example.com";
	return writer_record(f->writer, &m, reason);
}

/* The value of a status line, "" if it is not there. */
static const char *status(struct fixture *f, const char *key)
{
	static char value[600];
	struct strbuf text = {0};
	char start_of_line[64];

	writer_status(f->writer, &text);
	snprintf(start_of_line, sizeof(start_of_line), "%s=", key);
	value[0] = '\0';
	char *rest = NULL;
	for (char *line = strtok_r(text.text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		if (str_starts(line, start_of_line))
			snprintf(value, sizeof(value), "%s", line + strlen(start_of_line));
	strbuf_release(&text);
	return value;
}

static void stop(struct fixture *f)
{
	assert_true(writer_stop(f->writer, PATIENCE));
	writer_free(f->writer);
	f->writer = NULL;
}

/* ---- what the index holds after the writer has stopped */

static struct store *reopen(const struct fixture *f)
{
	const struct store_config config = {.directory = f->directory, .read_only = true};
	struct store *store;
	struct err err;

	assert_int_equal(store_open_lmdb(&config, &store, &err), 0);
	return store;
}

static unsigned rows(const struct fixture *f, enum store_table table)
{
	struct store *store = reopen(f);
	struct store_usage usage;

	assert_int_equal(store_usage(store, &usage, NULL), 0);
	store_close(store);
	return (unsigned)usage.rows[table];
}

/* The coverage rows of one kind; the last one in *ret. */
static unsigned coverage(const struct fixture *f, enum coverage_kind kind, struct coverage_row *ret)
{
	struct store *store = reopen(f);
	struct coverage_row *list = NULL;
	size_t count = 0;
	unsigned found = 0;
	struct txn txn;

	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(coverage_read(&txn, &list, &count), 0);
	txn_abort(&txn);
	store_close(store);
	for (size_t i = 0; i < count; i++) {
		if (list[i].kind != kind)
			continue;
		found++;
		if (ret)
			*ret = list[i];
	}
	free(list);
	return found;
}

/* ---- recording */

static void test_recorded(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(record(f, i), WRITER_RECORDED);
	assert_string_equal(status(f, "recorded"), "10");
	assert_string_equal(status(f, "recording"), "yes");
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 10);
	assert_int_equal(coverage(f, COVERAGE_BEGIN, NULL), 1);
	assert_int_equal(coverage(f, COVERAGE_END, NULL), 1);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 0);
}

struct crowd {
	struct fixture *fixture;
	unsigned first;
	atomic_int *failed;
};

static void *crowd_main(void *arg)
{
	const struct crowd *c = arg;

	for (unsigned i = 0; i < PER_SESSION; i++)
		if (record(c->fixture, c->first + i) != WRITER_RECORDED)
			(*c->failed)++;
	return NULL;
}

static void test_many_sessions(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[SESSIONS];
	struct crowd crowd[SESSIONS];
	atomic_int failed = 0;

	start(f);
	for (unsigned i = 0; i < SESSIONS; i++) {
		crowd[i] = (struct crowd){f, i * PER_SESSION, &failed};
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(failed, 0);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), SESSIONS * PER_SESSION);
}

static void test_async(void **state)
{
	struct fixture *f = *state;

	f->settings.commit_async = true;
	f->settings.commit_delay = 10 * USEC_PER_SEC;
	start(f);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(record(f, i), WRITER_QUEUED);
	stop(f); /* does not wait for the delay */
	assert_int_equal(rows(f, STORE_MESSAGE), 10);
}

static void test_queue_is_capped(void **state)
{
	struct fixture *f = *state;
	unsigned queued = 0;

	f->settings.commit_async = true;
	wrapping = BLOCKING;
	start(f);
	blocked = true;
	while (queued < 3 * WRITER_ROWS_MAX && record(f, queued) == WRITER_QUEUED)
		queued++;
	/* One queue, and what a batch that hangs had taken before. */
	assert_in_range(queued, WRITER_ROWS_MAX, 2 * WRITER_ROWS_MAX);
	blocked = false;
	WAIT_FOR(record(f, 3 * WRITER_ROWS_MAX) == WRITER_QUEUED);
	stop(f);
	assert_in_range(rows(f, STORE_MESSAGE), queued, queued + 1);
	assert_true(coverage(f, COVERAGE_GAP, NULL) >= 1);
}

/* ---- losing */

static void test_failing_commits(void **state)
{
	struct fixture *f = *state;
	struct coverage_row gap;

	wrapping = FAILING;
	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	faults.commits_only = true;
	faults.fail_code = ERR_FULL;
	int64_t before = clock_wall();
	for (unsigned i = 2; i < 7; i++)
		assert_int_equal(record(f, i), WRITER_LOST);
	assert_string_equal(status(f, "gap_count"), "5");
	assert_string_equal(status(f, "lost"), "5");
	faults.fail_code = 0;
	assert_int_equal(record(f, 7), WRITER_RECORDED);
	assert_string_equal(status(f, "gap_count"), "");
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 2);
	assert_int_equal(coverage(f, COVERAGE_GAP, &gap), 1);
	assert_int_equal(gap.count, 5);
	assert_true(gap.from >= before && gap.to >= gap.from);
	assert_true(gap.reason[0] != '\0');
}

static void test_gap_ends_without_mail(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING;
	start(f);
	faults.fail_code = ERR_FULL;
	assert_int_equal(record(f, 1), WRITER_LOST);
	faults.fail_code = 0;
	WAIT_FOR(status(f, "gap_count")[0] == '\0');
	stop(f);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 1);
}

static void test_hanging_commit(void **state)
{
	struct fixture *f = *state;
	struct coverage_row gap;

	f->settings.commit_timeout = 100000;
	wrapping = BLOCKING;
	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	blocked = true;
	int64_t began = clock_steady();
	assert_int_equal(record(f, 2), WRITER_LOST);
	int64_t took = clock_steady() - began;
	assert_in_range(took, 100000, 5 * USEC_PER_SEC);
	assert_string_equal(status(f, "stalled"), "yes");
	began = clock_steady();
	for (unsigned i = 3; i < 203; i++)
		assert_int_equal(record(f, i), WRITER_LOST);
	assert_true(clock_steady() - began < 10 * 100000); /* nobody waits any more */

	blocked = false;
	WAIT_FOR(strcmp(status(f, "stalled"), "no") == 0);
	f->settings.commit_timeout = 10 * USEC_PER_SEC;
	assert_int_equal(record(f, 1000), WRITER_RECORDED);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 3); /* the one that hung got there */
	assert_int_equal(coverage(f, COVERAGE_GAP, &gap), 1);
	assert_int_equal(gap.count, 200);
}

static void test_lose(void **state)
{
	struct fixture *f = *state;
	struct coverage_row gap;

	start(f);
	writer_lose(f->writer, 1234, "no queue ID");
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	stop(f);
	assert_int_equal(coverage(f, COVERAGE_GAP, &gap), 1);
	assert_int_equal(gap.from, 1234);
	assert_int_equal(gap.count, 1);
	assert_string_equal(gap.reason, "no queue ID");
}

/* ---- the index going and coming */

static void test_degraded_start(void **state)
{
	struct fixture *f = *state;

	refuse_open = 2;
	start(f);
	assert_string_equal(status(f, "recording"), "no");
	assert_string_equal(status(f, "last_error"), "process 4711 is writing");
	assert_int_equal(record(f, 1), WRITER_LOST);
	WAIT_FOR(strcmp(status(f, "recording"), "yes") == 0);
	assert_int_equal(record(f, 2), WRITER_RECORDED);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 1);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 1);
}

static void test_stale_store_is_reopened(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING;
	start(f);
	faults.fail_code = ERR_STALE;
	assert_int_equal(record(f, 1), WRITER_LOST);
	faults.fail_code = 0;
	WAIT_FOR(record(f, 2) == WRITER_RECORDED);
	assert_true(opened >= 2);
	stop(f);
	assert_true(rows(f, STORE_MESSAGE) >= 1);
}

static void test_removed_directory(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	remove_directory(f->directory);
	assert_int_equal(record(f, 2), WRITER_LOST);
	WAIT_FOR(record(f, 3) == WRITER_RECORDED);
	stop(f);
	assert_in_range(rows(f, STORE_MESSAGE), 1, 1);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 1);
}

static void test_stop_is_bounded(void **state)
{
	struct fixture *f = *state;

	f->settings.commit_timeout = 50000;
	wrapping = BLOCKING;
	start(f);
	blocked = true;
	assert_int_equal(record(f, 1), WRITER_LOST);
	int64_t began = clock_steady();
	assert_false(writer_stop(f->writer, 50000));
	assert_true(clock_steady() - began < 5 * USEC_PER_SEC);
	assert_int_equal(record(f, 2), WRITER_LOST);
}

static void test_oldest_go_when_full(void **state)
{
	struct fixture *f = *state;
	struct coverage_row pruned;
	unsigned number = 0;

	f->settings.commit_async = true;
	f->settings.index_map_size = INT64_C(16) << 20;
	start(f);
	while (strcmp(status(f, "pruned"), "0") == 0 && number < 200000) {
		for (unsigned end = number + 2000; number < end; number++)
			assert_int_equal(record(f, number), WRITER_QUEUED);
		WAIT_FOR(strcmp(status(f, "queued"), "0") == 0);
	}
	assert_true(number < 200000);
	assert_string_equal(status(f, "lost"), "0");
	stop(f);
	assert_in_range(rows(f, STORE_MESSAGE), 1000, number - 1000);
	assert_int_equal(coverage(f, COVERAGE_PRUNED, &pruned), 1);
	assert_true(pruned.to > 0);
}

/* ---- requests */

static void answered(void *arg, struct span frame)
{
	struct fixture *f = arg;

	assert_int_equal(reply_decode(frame, &f->reply), 0);
	snprintf(f->reply_text, sizeof(f->reply_text), "%s", f->reply.text);
	f->rules_when_answered = f->rules;
	f->answers++;
}

static void ask(struct fixture *f, struct bytes *request)
{
	int before = f->answers;

	assert_int_equal(writer_request(f->writer, bytes_span(request), answered, f), 0);
	WAIT_FOR(f->answers == before + 1);
	bytes_release(request);
}

static void set_rule(struct fixture *f, const char *subject)
{
	struct bytes request = {0};
	struct rule rule;

	assert_int_equal(rule_make(subject, RULE_REJECT, NULL, &rule, NULL), 0);
	request_rule_set(&request, &rule);
	rule_release(&rule);
	ask(f, &request);
}

static void unset_rule(struct fixture *f, const char *subject)
{
	struct bytes request = {0};

	request_rule_unset(&request, subject);
	ask(f, &request);
}

static void test_rule_is_in_force_when_answered(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(f->rules, 0);
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.code, 0);
	assert_int_equal(f->reply.value, 0);
	assert_true(f->reply.saved);
	assert_int_equal(f->rules_when_answered, 1);
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.value, 1); /* replaced */
	assert_int_equal(f->rules_when_answered, 1);
	set_rule(f, "worse.example");
	assert_int_equal(f->rules_when_answered, 2);
	unset_rule(f, "bad.example");
	assert_int_equal(f->reply.value, 1);
	assert_int_equal(f->rules_when_answered, 1);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
	start(f);
	assert_int_equal(f->rules, 1);
}

static void test_rule_that_cannot_be_saved(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING;
	start(f);
	set_rule(f, "old.example");
	faults.fail_code = ERR_FULL;
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.code, 0);
	assert_false(f->reply.saved);
	assert_true(f->reply_text[0] != '\0');
	assert_int_equal(f->rules_when_answered, 2);
	unset_rule(f, "old.example");
	assert_int_equal(f->reply.value, 1);
	assert_false(f->reply.saved);
	assert_int_equal(f->rules_when_answered, 1);
	WAIT_FOR(strcmp(status(f, "rules_saved"), "no") == 0);

	faults.fail_code = 0;
	WAIT_FOR(strcmp(status(f, "rules_saved"), "yes") == 0);
	assert_int_equal(f->rules, 1);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
}

static void test_rules_without_an_index(void **state)
{
	struct fixture *f = *state;

	refuse_open = 3;
	start(f);
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.code, 0);
	assert_false(f->reply.saved);
	assert_int_equal(f->rules_when_answered, 1);
	WAIT_FOR(strcmp(status(f, "rules_saved"), "yes") == 0 &&
		 strcmp(status(f, "recording"), "yes") == 0);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
}

static void test_rules_survive_their_index(void **state)
{
	struct fixture *f = *state;

	start(f);
	set_rule(f, "bad.example");
	remove_directory(f->directory);
	WAIT_FOR(record(f, 1) == WRITER_RECORDED);
	assert_int_equal(f->rules, 1);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
}

static void test_malformed_requests(void **state)
{
	struct fixture *f = *state;
	struct bytes request = {0};

	start(f);
	bytes_put(&request, "\1\0\6\0rubbish", 11);
	ask(f, &request);
	assert_true(f->reply.code < 0);
	bytes_put(&request, "", 0);
	ask(f, &request);
	assert_true(f->reply.code < 0);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	assert_int_equal(f->rules, 0);
}

/* The saved hits of all rules. */
static unsigned hits(const struct fixture *f)
{
	struct store *store = reopen(f);
	struct rule_list rules = {0};
	uint64_t damaged = 0;
	unsigned sum = 0;
	struct txn txn;

	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(rulebook_load(&txn, clock_wall(), &rules, &damaged), 0);
	txn_abort(&txn);
	store_close(store);
	for (size_t i = 0; i < rules.count; i++)
		sum += (unsigned)rules.list[i].hits;
	rule_list_release(&rules);
	return sum;
}

static void test_hits_are_saved(void **state)
{
	struct fixture *f = *state;

	start(f);
	set_rule(f, "bad.example");
	stop(f);
	f->hits_to_save = 7;
	start(f);
	WAIT_FOR(f->hits_to_save == 0);
	stop(f);
	assert_int_equal(hits(f), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(TEST(test_recorded), TEST(test_many_sessions), TEST(test_async),
    TEST(test_queue_is_capped), TEST(test_failing_commits), TEST(test_gap_ends_without_mail),
    TEST(test_hanging_commit), TEST(test_lose), TEST(test_degraded_start),
    TEST(test_stale_store_is_reopened), TEST(test_removed_directory), TEST(test_stop_is_bounded),
    TEST(test_oldest_go_when_full), TEST(test_rule_is_in_force_when_answered),
    TEST(test_rule_that_cannot_be_saved), TEST(test_rules_without_an_index),
    TEST(test_rules_survive_their_index), TEST(test_malformed_requests), TEST(test_hits_are_saved))
