/* SPDX-License-Identifier: ISC */
/*
 * A writer over a real index, one that fails, one that hangs, or one that cannot be opened: what
 * the tests of the writer share.
 */
#ifndef PQPURGE_TESTS_WRITER_FIXTURE_H
#define PQPURGE_TESTS_WRITER_FIXTURE_H

#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "index/coverage.h"
#include "index/rulebook.h"
#include "index/store_double.h"
#include "milter/writer.h"

#define MAP_SIZE (INT64_C(64) << 20)
#define PATIENCE (20 * USEC_PER_SEC)

/* Where the store fails or blocks, there is no journal before it; but in FAILING_BEHIND_JOURNAL. */
enum wrapping { PLAIN, FAILING, BLOCKING, FAILING_BEHIND_JOURNAL };

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

static inline int open_home(
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
	if (wrapping == FAILING || wrapping == BLOCKING) {
		journal_close(ret->journal);
		ret->journal = NULL;
	}
	if (wrapping == FAILING || wrapping == FAILING_BEHIND_JOURNAL)
		ret->store = store_open_failing(ret->store, &faults);
	if (wrapping == BLOCKING)
		ret->store = store_open_blocking(ret->store, &blocked);
	return 0;
}

static inline void rules_changed(void *arg, struct rule_list *rules)
{
	struct fixture *f = arg;

	f->rules = (int)rules->count;
	rule_list_release(rules);
}

static inline void collect_hits(
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

static inline void start(struct fixture *f)
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

static inline int setup(void **state)
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
	faults.at = FAULTS_ANYWHERE;
	blocked = false;
	refuse_open = 0;
	opened = 0;
	*state = f;
	return 0;
}

static inline void remove_directory(const char *directory)
{
	static const char *const names[] = {
	    "data.mdb", "lock.mdb", "lock", "run", JOURNAL_FILE, ""};
	char path[128];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		if (names[i][0])
			unlink(path);
	}
	rmdir(directory);
}

static inline int teardown(void **state)
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

static inline void pause_briefly(void)
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

static inline enum writer_result record(struct fixture *f, unsigned number)
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
static inline const char *status(struct fixture *f, const char *key)
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

static inline void stop(struct fixture *f)
{
	assert_true(writer_stop(f->writer, PATIENCE));
	writer_free(f->writer);
	f->writer = NULL;
}

/*
 * ---- what the index holds after the writer has stopped; not before, for a process that opens an
 * LMDB environment twice takes its own locks away and may make them anew under the other's feet
 */

static inline struct store *reopen(const struct fixture *f)
{
	const struct store_config config = {.directory = f->directory, .read_only = true};
	struct store *store;
	struct err err;

	assert_int_equal(store_open_lmdb(&config, &store, &err), 0);
	return store;
}

static inline unsigned rows(const struct fixture *f, enum store_table table)
{
	struct store *store = reopen(f);
	struct store_usage usage;

	assert_int_equal(store_usage(store, &usage, NULL), 0);
	store_close(store);
	return (unsigned)usage.rows[table];
}

/* The coverage rows of one kind; the last one in *ret. */
static inline unsigned coverage(
    const struct fixture *f, enum coverage_kind kind, struct coverage_row *ret)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
