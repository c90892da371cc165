/* SPDX-License-Identifier: ISC */
/* The content of queue files: changes by milters, long lines, and files that are no queue files. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/bytes.h"
#include "base/err.h"
#include "postfix/file/content.h"

static void put(struct bytes *out, char type, const char *data, size_t len)
{
	size_t rest = len;

	bytes_put_u8(out, (uint8_t)type);
	for (; rest >= 0x80; rest >>= 7)
		bytes_put_u8(out, (uint8_t)(rest & 0x7f) | 0x80);
	bytes_put_u8(out, (uint8_t)rest);
	bytes_put(out, data, len);
}

static void put_text(struct bytes *out, char type, const char *text)
{
	put(out, type, text, strlen(text));
}

/* A pointer whose target is filled in later. Returns the offset of its digits. */
static size_t put_pointer(struct bytes *out)
{
	put_text(out, 'p', "              0");
	return out->len - 15;
}

static void point(struct bytes *out, size_t digits, size_t to)
{
	char text[16];

	snprintf(text, sizeof(text), "%15zu", to);
	memcpy(out->at + digits, text, 15);
}

static int file_of(const struct bytes *b)
{
	int fd = memfd_create("queue-file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->at, b->len), (ssize_t)b->len);
	return fd;
}

/* The content as text, which the caller frees; NULL: refused. */
static char *content_of(const struct bytes *b, int *ret_code)
{
	int fd = file_of(b), to = memfd_create("content", MFD_CLOEXEC);
	off_t len;
	char *text;

	*ret_code = content_write(fd, to);
	len = lseek(to, 0, SEEK_END);
	text = calloc(1, (size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(pread(to, text, (size_t)len, 0), len);
	close(fd);
	close(to);
	return text;
}

static void put_envelope(struct bytes *out)
{
	put_text(out, 'C', "            100             200               1");
	put_text(out, 'T', "1700000000 1");
	put_text(out, 'S', "a@example.com");
	put_text(out, 'R', "N@not-content.test");
	put_text(out, 'M', "");
}

static void put_end(struct bytes *out)
{
	put_text(out, 'X', "");
	put_text(out, 'A', "trailing");
	put_text(out, 'E', "");
}

static void test_usual(void **state)
{
	struct bytes b = {0};
	char *text;
	int code;

	(void)state;
	put_envelope(&b);
	put_text(&b, 'N', "Subject: x");
	put_text(&b, 'w', "was something");
	put_text(&b, 'N', "");
	put_text(&b, 'L', "half ");
	put_text(&b, 'N', "line");
	put_end(&b);
	text = content_of(&b, &code);
	assert_int_equal(code, 0);
	assert_string_equal(text, "Subject: x\n\nhalf line\n");
	free(text);
	bytes_release(&b);
}

/* As cleanup(8) leaves it after a milter added a header: forward and back. */
static void test_pointers(void **state)
{
	struct bytes b = {0};
	size_t there, back, behind;
	char *text;
	int code;

	(void)state;
	put_envelope(&b);
	put_text(&b, 'N', "A: 1");
	there = put_pointer(&b);
	behind = b.len;
	put_text(&b, 'N', "C: 3");
	put_end(&b);
	point(&b, there, b.len);
	put_text(&b, 'N', "B: 2");
	back = put_pointer(&b);
	point(&b, back, behind);
	text = content_of(&b, &code);
	assert_int_equal(code, 0);
	assert_string_equal(text, "A: 1\nB: 2\nC: 3\n");
	free(text);
	/* A pointer to itself ends, in bounded time. */
	point(&b, there, there - 2);
	text = content_of(&b, &code);
	assert_int_equal(code, ERR_SYNTAX);
	free(text);
	bytes_release(&b);
}

/* line_length_limit can be raised: nothing of a line is lost, whatever its length. */
static void test_long_lines(void **state)
{
	static const size_t lengths[] = {127, 128, 2048, 2100, 2101, 16383, 16384, 100000, 200000};
	static char line[200000];
	char *text;
	int code;

	(void)state;
	for (size_t i = 0; i < sizeof(line); i++)
		line[i] = (char)('a' + i % 23);
	for (size_t n = 0; n < COUNT_OF(lengths); n++) {
		struct bytes b = {0};

		put_envelope(&b);
		put(&b, 'N', line, lengths[n]);
		put_text(&b, 'N', "end");
		put_end(&b);
		text = content_of(&b, &code);
		assert_int_equal(code, 0);
		assert_int_equal(strlen(text), lengths[n] + 5);
		assert_memory_equal(text, line, lengths[n]);
		assert_string_equal(text + lengths[n], "\nend\n");
		free(text);
		bytes_release(&b);
	}
}

/* A file that ends anywhere before its X record is no message. */
static void test_cut_short(void **state)
{
	struct bytes b = {0};
	size_t whole;

	(void)state;
	put_envelope(&b);
	put_text(&b, 'N', "Subject: x");
	whole = b.len;
	put_end(&b);
	for (size_t len = 0; len <= whole; len++) {
		struct bytes part = {.at = b.at, .len = len};
		int code;

		free(content_of(&part, &code));
		assert_int_equal(code, ERR_SYNTAX);
	}
	bytes_release(&b);
}

static void test_full(void **state)
{
	struct bytes b = {0};
	int from, to = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	put_envelope(&b);
	put_text(&b, 'N', "Subject: x");
	put_end(&b);
	from = file_of(&b);
	assert_int_equal(content_write(from, to), -ENOSPC);
	close(from);
	close(to);
	bytes_release(&b);
}

static void test_field(void **state)
{
	static const struct {
		const char *name, *lines[4], *want; /* NULL: none */
	} cases[] = {
	    {"usual", {"From: a", "Subject: Hello", ""}, "Hello"},
	    {"case", {"sUBJECT:x"}, "x"},
	    {"folded", {"Subject: one", "  two", "\tthree", ""}, "one  two\tthree"},
	    {"first of two", {"Subject: one", "Subject: two", ""}, "one"},
	    {"another", {"X-Subject: one", "Subjects: two", ""}, NULL},
	    {"in the body", {"From: a", "", "Subject: x"}, NULL},
	    {"empty", {"Subject:", ""}, ""},
	    {"cut", {"Subject: 0123456789012345678901234567890123456789", ""},
		"0123456789012345678901234567890"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct bytes b = {0};
		char value[32] = "untouched";
		int fd, found;

		put_envelope(&b);
		for (size_t i = 0; i < 4 && cases[n].lines[i]; i++)
			put_text(&b, 'N', cases[n].lines[i]);
		put_end(&b);
		fd = file_of(&b);
		found = content_field(fd, "Subject", value, sizeof(value));
		close(fd);
		case_assert(cases[n].name, found == (cases[n].want != NULL));
		case_assert_text(cases[n].name, value, cases[n].want ? cases[n].want : "untouched");
		bytes_release(&b);
	}
}

UNIT_MAIN(cmocka_unit_test(test_usual), cmocka_unit_test(test_pointers),
    cmocka_unit_test(test_long_lines), cmocka_unit_test(test_cut_short),
    cmocka_unit_test(test_full), cmocka_unit_test(test_field))
