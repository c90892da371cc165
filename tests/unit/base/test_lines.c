/* SPDX-License-Identifier: ISC */
/* Lines: complete, cut, without an end; from memory, and from a file across refills of the
 * buffer. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lines.h"

static int file_of(const char *text, size_t len)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, len), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void expect(struct lines *l, const char *text, size_t len, bool cut, bool partial)
{
	assert_int_equal(lines_next(l), 1);
	assert_int_equal(l->line.len, len);
	assert_memory_equal(l->line.text, text, len);
	assert_int_equal(l->line.text[len], '\0');
	assert_int_equal(l->cut, cut);
	assert_int_equal(l->partial, partial);
}

static void test_lines(void **state)
{
	static const char text[] = "one\n\ntw\0o\r\nthree";

	(void)state;
	for (int from_file = 0; from_file < 2; from_file++) {
		struct lines l = LINES_IN(text, sizeof(text) - 1);

		if (from_file)
			l = (struct lines){.fd = file_of(text, sizeof(text) - 1), .max = LINES_MAX};
		expect(&l, "one", 3, false, false);
		expect(&l, "", 0, false, false);
		expect(&l, "tw\0o\r", 5, false, false);
		assert_int_equal(l.number, 3);
		expect(&l, "three", 5, false, true);
		assert_int_equal(lines_next(&l), 0);
		assert_int_equal(lines_next(&l), 0);
		lines_release(&l);
		io_close(&l.fd);
	}
}

static void test_nothing(void **state)
{
	struct lines l = LINES_IN("", 0);

	(void)state;
	assert_int_equal(lines_next(&l), 0);
	lines_release(&l);
}

/* A line of exactly max bytes is complete. Of a longer one the beginning is kept, and the next line
 * is complete. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t len = 7; len < 10; len++) {
		char text[32];
		struct lines l;

		snprintf(text, sizeof(text), "%.*s\nnext\n", (int)len, "abcdefghij");
		l = (struct lines){.fd = -1, .max = 8, .text = text, .filled = strlen(text)};
		expect(&l, "abcdefgh", len < 8 ? len : 8, len > 8, false);
		expect(&l, "next", 4, false, false);
		assert_int_equal(lines_next(&l), 0);
		lines_release(&l);
	}
}

/* A line without an end takes at most max bytes of memory, however long the file. */
static void test_long(void **state)
{
	enum { LEN = 1000000, MAX = 100000 };
	char *text = malloc(LEN + 2);
	struct lines l;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', LEN);
	memcpy(text + LEN, "\ny", 2);
	l = (struct lines){.fd = file_of(text, LEN + 2), .max = MAX};
	expect(&l, text, MAX, true, false);
	assert_true(l.line.cap <= 4 * MAX);
	expect(&l, "y", 1, false, true);
	assert_int_equal(lines_next(&l), 0);
	lines_release(&l);
	io_close(&l.fd);
	/* A line that is cut and never ends is still returned. */
	l = (struct lines){.fd = file_of(text, LEN), .max = MAX};
	expect(&l, text, MAX, true, true);
	assert_int_equal(lines_next(&l), 0);
	lines_release(&l);
	io_close(&l.fd);
	free(text);
}

/* Lines that begin in one filling of the buffer and end in the next. */
static void test_many(void **state)
{
	enum { COUNT = 30000 };
	struct strbuf text = {0};
	struct lines l;

	(void)state;
	for (int n = 0; n < COUNT; n++)
		strbuf_printf(&text, "line %d of many\n", n);
	l = (struct lines){.fd = file_of(text.text, text.len), .max = LINES_MAX};
	for (int n = 0; n < COUNT; n++) {
		char want[32];

		snprintf(want, sizeof(want), "line %d of many", n);
		expect(&l, want, strlen(want), false, false);
	}
	assert_int_equal(lines_next(&l), 0);
	assert_int_equal(l.number, COUNT + 1);
	lines_release(&l);
	io_close(&l.fd);
	strbuf_release(&text);
}

static void test_unreadable(void **state)
{
	struct lines l = {.fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), .max = LINES_MAX};

	(void)state;
	assert_int_equal(lines_next(&l), -EISDIR);
	lines_release(&l);
	io_close(&l.fd);
}

UNIT_MAIN(cmocka_unit_test(test_lines), cmocka_unit_test(test_nothing), cmocka_unit_test(test_cut),
    cmocka_unit_test(test_long), cmocka_unit_test(test_many), cmocka_unit_test(test_unreadable))
