/* SPDX-License-Identifier: ISC */
/* Defer logs of every form: no entry is lost or invented, whatever its length. */
#include "tests/unit/postfix/rig.h"

static const char id_text[] = "ABCDE1F";

static void write_log(const struct rig *rig, const struct strbuf *log)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/defer/%s", rig->spool, id_text);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, strbuf_text(log), log->len), (ssize_t)log->len);
	close(fd);
}

/* The entries of a log as "recipient: reason\n..."; the caller releases. */
static struct strbuf read_log(const struct rig *rig)
{
	struct strbuf packed = {0}, text = {0};
	struct queue_id id;
	struct strlist list;
	bool recipient = true;

	assert_int_equal(queue_id_parse(id_text, strlen(id_text), &id), 0);
	assert_int_equal(spool_reasons(&rig->p, &id, &packed, NULL), 0);
	list = strlist_of(&packed);
	strbuf_puts(&text, "");
	strlist_each (item, &list) {
		strbuf_puts(&text, item);
		strbuf_puts(&text, recipient ? ": " : "\n");
		recipient = !recipient;
	}
	assert_true(recipient);
	strbuf_release(&packed);
	return text;
}

static void test_shapes(void **state)
{
	static const struct {
		const char *name, *log, *want;
	} cases[] = {
	    {"empty", "", ""},
	    {"one", "<u@a.test>: old words\nrecipient=u@a.test\nstatus=4.0.0\nreason=new words\n\n",
		"u@a.test: new words\n"},
	    {"old form", "<u@a.test>: words\n\n<v@a.test>: more\n\n",
		"u@a.test: words\nv@a.test: more\n"},
	    {"no blank line at the end", "recipient=u@a.test\nreason=words", "u@a.test: words\n"},
	    {"blank lines alone", "\n\n\n", ""},
	    {"control characters", "recipient=u@a.test\nreason=a\033[1mb\n\n",
		"u@a.test: a?[1mb\n"},
	    {"as Postfix 3.7 writes it",
		"<u@a.test>: deferred transport\nrecipient=u@a.test\noffset=617\n"
		"dsn_orig_rcpt=rfc822;u@a.test\nstatus=4.3.2\naction=delayed\n"
		"reason=deferred transport\n\n",
		"u@a.test: deferred transport\n"},
	    {"no reason", "recipient=u@a.test\n\n", "u@a.test: \n"},
	    {"junk", "\n\n\nxyz\n=\n<>\n", ""},
	};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct strbuf log = {0}, got;

		strbuf_puts(&log, cases[n].log);
		write_log(&rig, &log);
		got = read_log(&rig);
		case_assert_text(cases[n].name, strbuf_text(&got), cases[n].want);
		strbuf_release(&got);
		strbuf_release(&log);
	}
	rig_close(&rig);
}

/* A message to many recipients, whose log is longer than any buffer. */
static void test_many(void **state)
{
	struct strbuf log = {0}, got, want = {0};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int n = 0; n < 20000; n++) {
		strbuf_printf(&log, "recipient=user%d@a.test\nreason=words %d\n\n", n, n);
		strbuf_printf(&want, "user%d@a.test: words %d\n", n, n);
	}
	write_log(&rig, &log);
	got = read_log(&rig);
	assert_int_equal(got.len, want.len);
	assert_string_equal(got.text, want.text);
	strbuf_release(&got);
	strbuf_release(&want);
	strbuf_release(&log);
	rig_close(&rig);
}

/* Of a line that does not fit, the beginning counts, and the rest makes no further line. */
static void test_long_lines(void **state)
{
	static const size_t lengths[] = {
	    100, 16360, 16374, 16375, 16376, 16377, 16384, 32760, 32768, 40000, 100000};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(lengths); n++) {
		struct strbuf log = {0}, got;
		struct rig rig;

		rig_open(&rig);
		strbuf_puts(&log, "recipient=u@a.test\nreason=");
		for (size_t i = 0; i < lengths[n]; i++)
			strbuf_putc(&log, 'x');
		strbuf_puts(&log, "\n\nrecipient=v@a.test\nreason=short\n\n");
		write_log(&rig, &log);
		got = read_log(&rig);
		assert_non_null(strstr(got.text, "u@a.test: xxx"));
		assert_non_null(strstr(got.text, "x\nv@a.test: short\n"));
		assert_int_equal(strchr(strchr(got.text, '\n') + 1, '\n')[1], '\0');
		strbuf_release(&got);
		strbuf_release(&log);
		rig_close(&rig);
	}
}

/* A log is found at any depth. */
static void test_depths(void **state)
{
	(void)state;
	for (unsigned depth = 0; depth < 3; depth++) {
		struct strbuf packed = {0};
		char path[256], relative[QUEUE_PATH_MAX];
		struct err err = {{0}};
		struct queue_id id;
		struct rig rig;
		FILE *file;

		rig_open(&rig);
		id = rig_mail(&rig, QUEUE_DEFERRED, 1);
		queue_path("defer", depth, &id, relative);
		for (unsigned n = 1; n <= depth; n++) {
			snprintf(path, sizeof(path), "%s/%.*s", rig.spool,
			    (int)(strlen("defer") + 2 * n), relative);
			rig_directory(&rig, path);
		}
		snprintf(path, sizeof(path), "%s/%s", rig.spool, relative);
		file = fopen(path, "we");
		assert_non_null(file);
		fputs("recipient=a@x\nreason=full\n\n", file);
		fclose(file);
		rig_own(&rig, path);
		assert_int_equal(spool_reasons(&rig.p, &id, &packed, &err), 0);
		assert_int_equal(packed.len, sizeof("a@x") + sizeof("full"));
		assert_string_equal(packed.text, "a@x");
		strbuf_release(&packed);
		rig_close(&rig);
	}
}

static void test_no_log(void **state)
{
	struct strbuf packed = {0};
	struct err err = {{0}};
	struct queue_id id;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_DEFERRED, 1);
	assert_int_equal(spool_reasons(&rig.p, &id, &packed, &err), 0);
	assert_int_equal(packed.len, 0);
	strbuf_release(&packed);
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_shapes), cmocka_unit_test(test_many),
    cmocka_unit_test(test_long_lines), cmocka_unit_test(test_depths), cmocka_unit_test(test_no_log))
