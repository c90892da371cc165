/* SPDX-License-Identifier: ISC */
/* postqueue -j: what its lines say, streams of every shape, and a program that fails. */
#include "tests/unit/postfix/rig.h"

#include <sys/mman.h>

#include "postfix/tool/postqueue.h"

#define MESSAGE(id, recipients)                                                                    \
	"{\"queue_name\": \"deferred\", \"queue_id\": \"" id                                       \
	"\", \"arrival_time\": 1700000000, \"message_size\": 345, \"forced_expire\": false, "      \
	"\"sender\": \"a@b.test\", \"recipients\": [" recipients "]}"
#define ONE "{\"address\": \"u@c.test\", \"delay_reason\": \"no route\"}"

static void test_line(void **state)
{
	static const char line[] = MESSAGE("ABCDE1F",
	    ONE ", {\"address\": \"v@c.test\"}, {\"delay_reason\": \"a\\u001b[1mb\"}, 7");
	char address[POSTQUEUE_TEXT_MAX], reason[POSTQUEUE_TEXT_MAX];
	struct postqueue_entry e;

	(void)state;
	assert_int_equal(postqueue_parse(line, strlen(line), &e, NULL), 0);
	assert_string_equal(e.queue_id.text, "ABCDE1F");
	assert_int_equal(e.queue, QUEUE_DEFERRED);
	assert_true(e.arrival_time == INT64_C(1700000000000000));
	assert_int_equal(e.size, 345);
	assert_int_equal(e.recipients, 4);
	postqueue_recipient(&e, 0, address, reason);
	assert_string_equal(address, "u@c.test");
	assert_string_equal(reason, "no route");
	postqueue_recipient(&e, 1, address, reason);
	assert_string_equal(address, "v@c.test");
	assert_string_equal(reason, "");
	postqueue_recipient(&e, 2, address, reason);
	assert_string_equal(address, "");
	assert_string_equal(reason, "a?[1mb");
	postqueue_recipient(&e, 3, address, reason);
	assert_string_equal(address, "");
	postqueue_recipient(&e, 4, address, reason);
	assert_string_equal(reason, "");
	postqueue_entry_release(&e);
}

static void test_no_such_line(void **state)
{
	static const char *const lines[] = {"", "{", "[]", "7", "{}",
	    "{\"queue_name\": \"deferred\"}", "{\"queue_id\": \"ABCDE1F\"}",
	    "{\"queue_name\": \"deferred\", \"queue_id\": \"../../etc/passwd\"}",
	    "{\"queue_name\": \"deferred,hold\", \"queue_id\": \"ABCDE1F\"}",
	    "{\"queue_name\": \"corrupt\", \"queue_id\": \"ABCDE1F\"}", "Mail queue is empty",
	    MESSAGE("ABCDE1F", ONE) "x"};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(lines); n++) {
		struct postqueue_entry e;
		struct err err = {""};

		if (postqueue_parse(lines[n], strlen(lines[n]), &e, &err) != ERR_SYNTAX)
			fail_msg("taken: %s", lines[n]);
		assert_true(*err.text);
	}
}

/* ---- streams */

/* The IDs that were visited, with their numbers of recipients. */
static int note(void *arg, const struct postqueue_entry *e)
{
	struct strbuf *seen = arg;

	strbuf_printf(seen, "%s %zu\n", e->queue_id.text, e->recipients);
	return strcmp(e->queue_id.text, "ABCDE99") == 0 ? -ECANCELED : 0;
}

static void check_stream(
    const char *text, size_t len, int want_code, const char *want, uint64_t want_unread)
{
	struct strbuf seen = {0};
	uint64_t unread = 99;
	int fd = memfd_create("lines", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(postqueue_read(fd, note, &seen, &unread, NULL), want_code);
	assert_string_equal(strbuf_text(&seen), want);
	assert_int_equal(unread, want_unread);
	strbuf_release(&seen);
	close(fd);
}

static void test_streams(void **state)
{
	static const struct {
		const char *text, *want;
		uint64_t unread;
		int code;
	} cases[] = {
	    {"", "", 0, 0},
	    {MESSAGE("ABCDE1F", ONE) "\n", "ABCDE1F 1\n", 0, 0},
	    {MESSAGE("ABCDE1F", ONE), "ABCDE1F 1\n", 0, 0},
	    {MESSAGE("ABCDE1F", "") "\n" MESSAGE("ABCDE2F", ONE "," ONE) "\n",
		"ABCDE1F 0\nABCDE2F 2\n", 0, 0},
	    {"junk\n" MESSAGE("ABCDE1F", ONE) "\n\n{\"queue_name\": \"defer", "ABCDE1F 1\n", 3, 0},
	    {MESSAGE("ABCDE99", ONE) "\n" MESSAGE("ABCDE1F", ONE) "\n", "ABCDE99 1\n", 0,
		-ECANCELED},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		check_stream(cases[n].text, strlen(cases[n].text), cases[n].code, cases[n].want,
		    cases[n].unread);
}

/* A line of len bytes with its newline. */
static void put_long(struct strbuf *to, const char *id, size_t len)
{
	size_t end = to->len + len - 1;

	strbuf_printf(to,
	    "{\"queue_name\": \"hold\", \"queue_id\": \"%s\", \"recipients\": [" ONE "], "
	    "\"sender\": \"",
	    id);
	while (to->len < end - 2)
		strbuf_add(to, "xxxxxxxxxxxxxxxx", end - 2 - to->len < 16 ? end - 2 - to->len : 16);
	strbuf_puts(to, "\"}\n");
}

static void test_long_lines(void **state)
{
	static const size_t lengths[] = {65535, 65536, 65537, 131072, POSTQUEUE_LINE_MAX,
	    POSTQUEUE_LINE_MAX + 1, POSTQUEUE_LINE_MAX + 2, 3 * POSTQUEUE_LINE_MAX};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(lengths); n++) {
		/* JSON may be as long as a line may, its newline not counted. */
		bool fits = lengths[n] - 1 <= POSTQUEUE_LINE_MAX - 1;
		struct strbuf text = {0};

		put_long(&text, "ABCDE1F", lengths[n]);
		strbuf_puts(&text, MESSAGE("ABCDE2F", ONE) "\n");
		assert_false(text.failed);
		check_stream(
		    text.text, text.len, 0, fits ? "ABCDE1F 1\nABCDE2F 1\n" : "ABCDE2F 1\n", !fits);
		strbuf_release(&text);
	}
}

/* ---- the program */

static void write_postqueue(const struct rig *rig, const char *body)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/postqueue", rig->bin);
	unlink(path);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", body);
	assert_int_equal(fchmod(fileno(file), 0755), 0);
	assert_int_equal(fclose(file), 0);
}

static int run(const struct rig *rig, struct strbuf *seen, uint64_t *unread, struct err *err)
{
	struct postqueue_run run;
	int code = postqueue_start(&rig->p, &run, err);

	if (code < 0)
		return code;
	assert_int_equal(postqueue_read(run.output, note, seen, unread, err), 0);
	return postqueue_finish(&run, false, err);
}

static void test_program(void **state)
{
	struct strbuf seen = {0};
	struct err err = {""};
	struct rig rig;
	uint64_t unread;

	(void)state;
	rig_open(&rig);
	write_postqueue(&rig, "[ \"$1 $3\" = '-c -j' ] && echo '" MESSAGE("ABCDE1F", ONE) "'");
	assert_int_equal(run(&rig, &seen, &unread, &err), 0);
	assert_string_equal(strbuf_text(&seen), "ABCDE1F 1\n");
	write_postqueue(
	    &rig, "echo 'first words' >&2; echo 'postqueue: fatal: no queue' >&2; exit 69");
	assert_int_equal(run(&rig, &seen, &unread, &err), ERR_CHILD);
	assert_string_equal(err.text, "postqueue -j failed (postqueue: fatal: no queue)");
	write_postqueue(&rig, "exit 1");
	assert_int_equal(run(&rig, &seen, &unread, &err), ERR_CHILD);
	assert_string_equal(err.text, "postqueue -j failed (it said nothing)");
	write_postqueue(&rig, "kill -9 $$");
	assert_int_equal(run(&rig, &seen, &unread, &err), ERR_CHILD);
	assert_string_equal(err.text, "postqueue -j died of signal 9");
	strbuf_release(&seen);
	rig_close(&rig);
}

/* Nobody reads: it is ended, however much it has to say. */
static void test_given_up(void **state)
{
	struct postqueue_run run;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	write_postqueue(&rig, "while :; do echo more; done");
	assert_int_equal(postqueue_start(&rig.p, &run, NULL), 0);
	assert_int_equal(postqueue_finish(&run, true, NULL), 0);
	assert_int_equal(run.output, -1);
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_line), cmocka_unit_test(test_no_such_line),
    cmocka_unit_test(test_streams), cmocka_unit_test(test_long_lines),
    cmocka_unit_test(test_program), cmocka_unit_test(test_given_up))
