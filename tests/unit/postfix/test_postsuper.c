/* SPDX-License-Identifier: ISC */
/* postsuper(1) as it is, and with all faults: silent, lying, dying, babbling, hanging. */
#include "tests/unit/postfix/rig.h"

#include <signal.h>

#include "base/clock.h"

static struct postsuper_job job;

static void begin(
    const struct rig *rig, enum postsuper_action action, const struct queue_id *ids, size_t count)
{
	struct err err = {{0}};

	if (postsuper_start(&job, &rig->p, action, 0, ids, count, &err) < 0)
		fail_msg("%s", err.text);
}

static void make_ids(struct queue_id *ids, size_t count)
{
	for (size_t n = 0; n < count; n++)
		snprintf(ids[n].text, sizeof(ids[n].text), "%05X%05X", (unsigned)n, 0xabcdeu);
}

static void test_words(void **state)
{
	static const struct {
		const char *name, *script;
		enum postsuper_action action;
		const char *said; /* a letter for each of three IDs */
		int exit_status;
		const char *complaint; /* a part of it */
	} cases[] = {
	    {"all removed", "while read id; do say $id: removed; done", POSTSUPER_DELETE, "yyy", 0,
		""},
	    {"all held", "while read id; do say $id: placed on hold; done", POSTSUPER_HOLD, "yyy",
		0, ""},
	    {"all released", "while read id; do say $id: released from hold; done",
		POSTSUPER_RELEASE, "yyy", 0, ""},
	    {"all requeued", "while read id; do say $id: requeued; done", POSTSUPER_REQUEUE, "yyy",
		0, ""},
	    {"the words of another action", "while read id; do say $id: requeued; done",
		POSTSUPER_DELETE, "nnn", 0, ""},
	    {"option and directory",
		"[ \"$1 $3 $4\" = '-c -H -' ] && read id && say $id: released from hold",
		POSTSUPER_RELEASE, "ynn", 0, ""},
	    {"silent", "cat >/dev/null", POSTSUPER_DELETE, "nnn", 0, ""},
	    {"only the second", "read a; read b; say $b: removed", POSTSUPER_DELETE, "nyn", 0, ""},
	    {"backwards",
		"read a; read b; read c; say $c: removed; say $b: removed; say $a: removed",
		POSTSUPER_DELETE, "yyy", 0, ""},
	    {"twice", "read a; say $a: removed; say $a: removed", POSTSUPER_DELETE, "ynn", 0, ""},
	    {"IDs that were not asked for", "say 0000FABCDE: removed; say ALL: removed",
		POSTSUPER_DELETE, "nnn", 0, ""},
	    {"a part of an ID", "say 00000ABCD: removed; say x00000ABCDE: removed",
		POSTSUPER_DELETE, "nnn", 0, ""},
	    {"words behind the words", "read a; say $a: removed by hand; say $a: not removed",
		POSTSUPER_DELETE, "nnn", 0, ""},
	    {"no newline at the end",
		"read a; say $a: removed; read b; printf %s \"postsuper: $b: removed\" >&2",
		POSTSUPER_DELETE, "ynn", 0, ""},
	    {"a warning", "say 'warning: invalid mail queue id: 00'; exit 0", POSTSUPER_DELETE,
		"nnn", 0, "invalid mail queue id"},
	    {"a fatal end",
		"read a; say $a: removed; say 'fatal: use of this command is reserved'; exit 1",
		POSTSUPER_DELETE, "ynn", 1, "fatal: use of this command"},
	    {"controls in words", "printf 'postsuper: warning: \\033[31mred\\n' >&2",
		POSTSUPER_DELETE, "nnn", 0, "warning: ?[31mred"},
	    {"died", "read a; say $a: removed; kill -9 $$", POSTSUPER_DELETE, "ynn", -SIGKILL,
		"signal 9"},
	    {"dies at one of them",
		"while read id; do case $id in 00001*) say fatal: remove file defer/$id: "
		"Permission denied; exit 1;; esac; say $id: removed; done",
		POSTSUPER_DELETE, "yny", 0, "fatal: remove file defer/00001ABCDE"},
	    {"dies at the last",
		"while read id; do case $id in 00002*) say fatal: remove file "
		"defer/$id: Permission denied; exit 1;; esac; say $id: removed; done",
		POSTSUPER_DELETE, "yyn", 1, "fatal: remove file defer/00002ABCDE"},
	    {"closed its stderr and went on",
		"read a; say $a: removed; exec 2>&-; sleep 0.1; exit 7", POSTSUPER_DELETE, "ynn", 7,
		""},
	};
	struct queue_id ids[3];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, 3);
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		rig_postsuper(&rig, cases[n].script);
		begin(&rig, cases[n].action, ids, 3);
		rig_await(&job);
		for (size_t at = 0; at < 3; at++)
			if (job.said[at] != (cases[n].said[at] == 'y'))
				case_fail(cases[n].name, "ID %zu", at);
		if (job.exit_status != cases[n].exit_status)
			case_fail(cases[n].name, "exit status %d", job.exit_status);
		if (!strstr(strbuf_text(&job.complaint), cases[n].complaint) ||
		    (!cases[n].complaint[0] && job.complaint.len))
			case_fail(cases[n].name, "complaint '%s'", strbuf_text(&job.complaint));
		postsuper_release(&job);
	}
	rig_close(&rig);
}

/* A message whose log cannot be removed is left alone; all others are handled. */
static void test_bad_log_directory(void **state)
{
	enum { MANY = 60 };
	struct queue_id ids[MANY];
	char path[128];
	struct stat st;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t n = 0; n < MANY; n++)
		snprintf(ids[n].text, sizeof(ids[n].text), "%01X%04X%05X", (unsigned)n / 5,
		    (unsigned)n, 0xabcdeu);
	rig_postsuper(&rig,
	    "echo >>../runs; while read id; do case $id in\n"
	    "0*|3*|4*) say fatal: remove file defer/${id%?????????}/$id: no; exit 1;;\n"
	    "esac; say $id: removed; done");
	begin(&rig, POSTSUPER_DELETE, ids, MANY);
	rig_await(&job);
	for (size_t n = 0; n < MANY; n++)
		assert_int_equal(job.said[n], n / 5 != 0 && n / 5 != 3 && n / 5 != 4);
	snprintf(path, sizeof(path), "%s/runs", rig.directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 4);
	postsuper_release(&job);
	rig_close(&rig);
}

/* Also a postsuper that continues after a bad message looks only in the one queue. */
static void test_one_queue(void **state)
{
	struct queue_id ids[3];
	struct err err = {{0}};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, 3);
	rig_postsuper(&rig,
	    "[ $# = 5 ] && [ $only = deferred ] || exit 2\n"
	    "while read id; do case $id in 00001*) say fatal: remove $id: no; exit 1;; esac\n"
	    "say $id: removed; done");
	if (postsuper_start(&job, &rig.p, POSTSUPER_DELETE, QUEUE_DEFERRED, ids, 3, &err) < 0)
		fail_msg("%s", err.text);
	rig_await(&job);
	assert_true(job.said[0] && !job.said[1] && job.said[2]);
	assert_int_equal(job.exit_status, 0);
	postsuper_release(&job);
	rig_postsuper(&rig, "[ $# = 4 ] && while read id; do say $id: removed; done");
	begin(&rig, POSTSUPER_DELETE, ids, 3);
	rig_await(&job);
	assert_true(job.said[0] && job.said[1] && job.said[2]);
	postsuper_release(&job);
	rig_close(&rig);
}

/* A message at which postsuper dies is left alone. If it always dies, that ends soon. */
static void test_dying_is_bounded(void **state)
{
	enum { MANY = 50 };
	struct queue_id ids[MANY];
	char path[128];
	struct stat st;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, MANY);
	rig_postsuper(
	    &rig, "echo >>../runs; read id; say fatal: remove file defer/$id: no; exit 1");
	snprintf(path, sizeof(path), "%s/runs", rig.directory);
	begin(&rig, POSTSUPER_DELETE, ids, MANY);
	rig_await(&job);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(job.exit_status, 1);
	postsuper_release(&job);
	rig_postsuper(&rig,
	    "echo >>../runs; read id; say $id: removed; read id; say fatal: open $id: no; exit 1");
	begin(&rig, POSTSUPER_DELETE, ids, MANY);
	rig_await(&job);
	for (size_t n = 0; n < MANY; n++)
		assert_int_equal(job.said[n], n % 2 == 0);
	postsuper_release(&job);
	rig_close(&rig);
}

static void test_babble_is_bounded(void **state)
{
	static const char *const scripts[] = {
	    "read a; say $a: removed; while :; do say garbage garbage garbage; done",
	    "read a; say $a: removed; cat /dev/zero >&2",
	    "read a; say $a: removed; tr '\\0' x </dev/zero >&2",
	};
	struct queue_id ids[3];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, 3);
	for (size_t n = 0; n < COUNT_OF(scripts); n++) {
		rig_postsuper(&rig, scripts[n]);
		begin(&rig, POSTSUPER_DELETE, ids, 3);
		rig_await(&job);
		case_assert(scripts[n], job.said[0] && !job.said[1] && !job.said[2]);
		case_assert(scripts[n], job.exit_status == -SIGKILL);
		case_assert(scripts[n], strstr(strbuf_text(&job.complaint), "too much"));
		case_assert(scripts[n], job.line.cap < 65536);
		postsuper_release(&job);
	}
	rig_close(&rig);
}

static int64_t ahead; /* added to the real steady clock */

static int64_t steady(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000 + ahead;
}

static void test_silence_is_bounded(void **state)
{
	static const char *const scripts[] = {
	    "read a; say $a: removed; exec sleep 1000",
	    "read a; say $a: removed; exec 2>&-; exec sleep 1000",
	};
	struct queue_id ids[3];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, 3);
	clock_inject(NULL, steady);
	for (size_t n = 0; n < COUNT_OF(scripts); n++) {
		ahead = 0;
		rig_postsuper(&rig, scripts[n]);
		begin(&rig, POSTSUPER_DELETE, ids, 3);
		while (!job.said[0])
			case_assert(scripts[n], postsuper_advance(&job) == 0);
		ahead = POSTSUPER_SILENCE - 5 * USEC_PER_SEC;
		case_assert(scripts[n], postsuper_advance(&job) == 0);
		ahead = POSTSUPER_SILENCE + USEC_PER_SEC;
		case_assert(scripts[n], postsuper_advance(&job) == 1);
		case_assert(scripts[n], job.exit_status == -SIGKILL);
		case_assert(scripts[n], strstr(strbuf_text(&job.complaint), "silent"));
		case_assert(scripts[n], job.said[0] && !job.said[1]);
		postsuper_release(&job);
	}
	clock_inject(NULL, NULL);
	rig_close(&rig);
}

/* Garbage does not count as an answer. */
static void test_garbage_is_silence(void **state)
{
	struct queue_id ids[1];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, 1);
	clock_inject(NULL, steady);
	ahead = 0;
	rig_postsuper(&rig, "say garbage; exec sleep 1000");
	begin(&rig, POSTSUPER_DELETE, ids, 1);
	while (job.heard == 0)
		assert_int_equal(postsuper_advance(&job), 0);
	ahead = POSTSUPER_SILENCE + USEC_PER_SEC;
	assert_int_equal(postsuper_advance(&job), 1);
	postsuper_release(&job);
	clock_inject(NULL, NULL);
	rig_close(&rig);
}

static void test_many(void **state)
{
	enum { MANY = 3000 };
	static struct queue_id ids[MANY];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, MANY);
	rig_postsuper(&rig, "sed 's/.*/postsuper: &: removed/' >&2");
	begin(&rig, POSTSUPER_DELETE, ids, MANY);
	rig_await(&job);
	for (size_t n = 0; n < MANY; n++)
		case_assert(ids[n].text, job.said[n]);
	postsuper_release(&job);
	rig_close(&rig);
}

/* Nobody can add to the list of IDs to delete. */
static void test_ids_are_sealed(void **state)
{
	struct queue_id ids[1];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, 1);
	rig_postsuper(
	    &rig, "echo 00009ABCDE >>/proc/self/fd/0 || say warning: sealed; cat >/dev/null");
	begin(&rig, POSTSUPER_DELETE, ids, 1);
	rig_await(&job);
	assert_string_equal(strbuf_text(&job.complaint), "warning: sealed");
	postsuper_release(&job);
	rig_close(&rig);
}

static void test_missing(void **state)
{
	struct queue_id ids[1];
	struct err err = {{0}};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	make_ids(ids, 1);
	assert_int_equal(postsuper_start(&job, &rig.p, POSTSUPER_DELETE, 0, ids, 1, &err), -ENOENT);
	assert_non_null(strstr(err.text, rig.bin));
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_words), cmocka_unit_test(test_bad_log_directory),
    cmocka_unit_test(test_one_queue), cmocka_unit_test(test_dying_is_bounded),
    cmocka_unit_test(test_babble_is_bounded), cmocka_unit_test(test_silence_is_bounded),
    cmocka_unit_test(test_garbage_is_silence), cmocka_unit_test(test_many),
    cmocka_unit_test(test_ids_are_sealed), cmocka_unit_test(test_missing))
