/* SPDX-License-Identifier: ISC */
/* Reading many queue files: which are read, counted, and named. */
#include "tests/unit/postfix/rig.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "postfix/spool/spool_read.h"

#define ARRIVAL INT64_C(1700000000123456)
#define MANY    5000

/* The part of a message that the tests check: its number, and padding. */
struct entry {
	uint32_t n, padding;
};

struct test {
	struct rig rig;
	struct queue_id ids[MANY];
	size_t padding;       /* bytes that take adds after each entry */
	unsigned times[MANY]; /* how often each was handed over */
	unsigned parts;       /* calls of give */
	size_t longest;       /* bytes of the longest part */
	size_t progress;      /* its last report */
	int give_code;
	bool hang;
	struct spool_reading reading;
	struct err err;
};

static struct test t;

static const struct queue_id *get(void *arg, size_t n)
{
	const struct test *test = arg;

	if (test->hang)
		raise(SIGSTOP);
	return &test->ids[n];
}

static void take(void *arg, size_t n, const struct queue_message *m, struct bytes *out)
{
	const struct test *test = arg;
	static const char zeros[65536];

	if (!queue_id_equal(&m->message.queue_id, &test->ids[n]))
		abort();
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u32(out, (uint32_t)test->padding);
	bytes_put(out, zeros, test->padding);
}

static int give(void *arg, struct span part, struct err *err)
{
	struct test *test = arg;
	struct reader in = reader_of(part.at, part.len);

	while (!in.failed && in.at < in.end) {
		uint32_t n = reader_u32(&in), padding = reader_u32(&in);

		assert_non_null(reader_take(&in, padding));
		assert_true(n < MANY);
		test->times[n]++;
	}
	assert_true(reader_done(&in));
	test->parts++;
	test->longest = part.len > test->longest ? part.len : test->longest;
	return test->give_code < 0 ? err_set(err, test->give_code, "enough") : 0;
}

static void progress(void *arg, size_t done)
{
	((struct test *)arg)->progress = done;
}

static void begin(void)
{
	t = (struct test){0};
	rig_open(&t.rig);
}

static int read_them(size_t count)
{
	spool_reading_release(&t.reading);
	t.reading = (struct spool_reading){.get = get,
	    .take = take,
	    .give = give,
	    .arg = &t,
	    .count = count,
	    .max_recipients = 10,
	    .progress = progress};
	return spool_read(&t.rig.p, &t.reading, &t.err);
}

static void end(void)
{
	spool_reading_release(&t.reading);
	rig_close(&t.rig);
}

static void path_of(enum queue_name queue, size_t n, char path[256])
{
	rig_path(&t.rig, queue, &t.ids[n], path);
}

/* When a file's mode is no longer that of a moment. */
static int64_t later(void)
{
	return ((int64_t)time(NULL) + 100) * USEC_PER_SEC;
}

/* One of each kind, at every depth. */
static void test_kinds(void **state)
{
	enum { PLAIN, DEEP, HELD, GONE, ARRIVING, MAILDROP, JUNK, LOCKED, DIRECTORY, STUCK, COUNT };
	static const unsigned read[COUNT] = {[PLAIN] = 1, [DEEP] = 1, [HELD] = 1};
	struct bytes file = {0}, junk = {0};
	char path[256], name[256];

	(void)state;
	begin();
	rig_envelope(&file, ARRIVAL, "a@bad.example");
	bytes_put(&junk, "no queue file", 13);
	for (size_t n = 0; n < COUNT; n++)
		t.ids[n] = rig_put(&t.rig,
		    n == HELD       ? QUEUE_HOLD
		    : n == ARRIVING ? QUEUE_INCOMING
		    : n == MAILDROP ? QUEUE_MAILDROP
				    : QUEUE_DEFERRED,
		    n == JUNK ? &junk : &file, n == ARRIVING || n == STUCK ? 0600 : 0700);
	rig_sink(&t.rig, QUEUE_DEFERRED, 2, &t.ids[DEEP]);
	path_of(QUEUE_DEFERRED, GONE, path);
	unlink(path);
	path_of(QUEUE_DEFERRED, LOCKED, path);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 1, 1), 0);
	else
		t.ids[LOCKED] = t.ids[JUNK];
	path_of(QUEUE_DEFERRED, DIRECTORY, path);
	unlink(path);
	rig_directory(&t.rig, path);
	clock_inject(later, NULL);
	assert_int_equal(read_them(COUNT), 0);
	clock_inject(NULL, NULL);
	for (size_t n = 0; n < COUNT; n++)
		if (t.times[n] != read[n])
			case_fail("kind", "%zu: %u times", n, t.times[n]);
	assert_int_equal(t.reading.read, 3);
	assert_int_equal(t.reading.arriving, 1);
	assert_int_equal(t.reading.maildrop, 1);
	assert_int_equal(t.reading.unreadable, 3);
	struct strlist names = strlist_of(&t.reading.unreadable_names);
	assert_int_equal(names.count, 3);
	snprintf(name, sizeof(name), "deferred/%s: mode is not 0700", t.ids[STUCK].text);
	const char *last = names.first;
	strlist_each (each, &names)
		last = each;
	assert_string_equal(last, name);
	snprintf(name, sizeof(name), "deferred/%s: %s", t.ids[JUNK].text, err_word(ERR_SYNTAX));
	assert_string_equal(t.reading.unreadable_names.text, name);
	if (geteuid() == 0) {
		snprintf(name, sizeof(name), "deferred/%s: Permission denied", t.ids[LOCKED].text);
		assert_string_equal(
		    t.reading.unreadable_names.text + strlen(t.reading.unreadable_names.text) + 1,
		    name);
	}
	assert_int_equal(t.progress, COUNT);
	bytes_release(&file);
	bytes_release(&junk);
	end();
}

/* Mail in maildrop that mail_owner cannot read does not count as unreadable. */
static void test_others_maildrop(void **state)
{
	char path[256];

	(void)state;
	if (geteuid() != 0)
		skip();
	begin();
	t.ids[0] = rig_mail(&t.rig, QUEUE_MAILDROP, ARRIVAL);
	path_of(QUEUE_MAILDROP, 0, path);
	assert_int_equal(chown(path, 1, 1), 0);
	assert_int_equal(read_them(1), 0);
	assert_int_equal(t.reading.maildrop, 1);
	assert_int_equal(t.reading.unreadable, 0);
	end();
}

/* The files in an unreadable directory are not reported: the walk names the directory. */
static void test_hidden(void **state)
{
	char path[256];

	(void)state;
	begin();
	t.ids[0] = rig_mail(&t.rig, QUEUE_DEFERRED, ARRIVAL);
	t.ids[1] = rig_mail(&t.rig, QUEUE_HOLD, ARRIVAL);
	snprintf(path, sizeof(path), "%s/hold", t.rig.spool);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(read_them(2), 0);
	assert_int_equal(t.reading.read, 1);
	assert_int_equal(t.reading.unreadable, 0);
	assert_int_equal(chmod(path, 0700), 0);
	end();
}

/* Each once, whichever child read it, in bounded parts. */
static void test_many(void **state)
{
	(void)state;
	begin();
	for (size_t n = 0; n < MANY; n++)
		t.ids[n] = n % 10 == 0 ? rig_mail(&t.rig, QUEUE_DEFERRED, ARRIVAL) : t.ids[n - 1];
	assert_int_equal(read_them(MANY), 0);
	for (size_t n = 0; n < MANY; n++)
		assert_int_equal(t.times[n], 1);
	assert_int_equal(t.reading.read, MANY);
	assert_int_equal(t.progress, MANY);
	memset(t.times, 0, sizeof(t.times));
	t.parts = 0;
	t.longest = 0;
	t.padding = 50000;
	assert_int_equal(read_them(MANY), 0);
	for (size_t n = 0; n < MANY; n++)
		assert_int_equal(t.times[n], 1);
	assert_true(t.parts > 10);
	assert_true(t.longest < SPOOL_READ_PART + 65536);
	end();
}

/* All are counted, the first ones are named. */
static void test_many_unreadable(void **state)
{
	struct bytes junk = {0};

	(void)state;
	begin();
	bytes_put(&junk, "no queue file", 13);
	for (size_t n = 0; n < 2000; n++)
		t.ids[n] = n < 100 ? rig_put(&t.rig, QUEUE_DEFERRED, &junk, 0700) : t.ids[n - 100];
	assert_int_equal(read_them(2000), 0);
	assert_int_equal(t.reading.unreadable, 2000);
	assert_int_equal(t.reading.read, 0);
	assert_int_equal(strlist_of(&t.reading.unreadable_names).count, SPOOL_READ_NAMED);
	bytes_release(&junk);
	end();
}

static void test_errors(void **state)
{
	static volatile sig_atomic_t stop = 1;
	char nowhere[] = "/nonexistent/spool";
	char *spool;

	(void)state;
	begin();
	assert_int_equal(read_them(0), 0);
	assert_int_equal(t.parts, 0);
	for (size_t n = 0; n < 2000; n++)
		t.ids[n] = n == 0 ? rig_mail(&t.rig, QUEUE_DEFERRED, ARRIVAL) : t.ids[0];
	t.give_code = ERR_LIMIT;
	assert_int_equal(read_them(2000), ERR_LIMIT);
	assert_string_equal(t.err.text, "enough");
	assert_int_equal(t.parts, 1);
	t.give_code = 0;
	spool = t.rig.p.queue_directory;
	t.rig.p.queue_directory = nowhere;
	assert_int_equal(read_them(2000), -ENOENT);
	t.rig.p.queue_directory = spool;
	t.rig.p.stop = &stop;
	t.hang = true;
	assert_int_equal(read_them(2000), ERR_STOPPED);
	end();
}

UNIT_MAIN(cmocka_unit_test(test_kinds), cmocka_unit_test(test_others_maildrop),
    cmocka_unit_test(test_hidden), cmocka_unit_test(test_many),
    cmocka_unit_test(test_many_unreadable), cmocka_unit_test(test_errors))
