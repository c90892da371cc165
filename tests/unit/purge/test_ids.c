/* SPDX-License-Identifier: ISC */
/* Queue IDs from a pipe. */
#include "tests/unit/unit.h"

#include <sys/resource.h>

#include "purge/ids.h"

static void test_line(void **state)
{
	static const struct {
		const char *name, *line, *want; /* NULL: no ID; "": blank */
	} cases[] = {
	    {"short", "0AB12CD34EF\n", "0AB12CD34EF"},
	    {"long", "4dFVrw75plz1p3V6\n", "4dFVrw75plz1p3V6"},
	    {"no newline", "0AB12CD34EF", "0AB12CD34EF"},
	    {"CR", "0AB12CD34EF\r\n", "0AB12CD34EF"},
	    {"blanks", "  \t0AB12CD34EF \t\n", "0AB12CD34EF"},
	    {"active", "0AB12CD34EF*\n", "0AB12CD34EF"},
	    {"held", "0AB12CD34EF!\n", "0AB12CD34EF"},
	    {"to be expired", "0AB12CD34EF#\r\n", "0AB12CD34EF"},
	    {"two marks", "0AB12CD34EF*!\n", NULL},
	    {"empty", "\n", ""},
	    {"blank", " \t\r\n", ""},
	    {"a mark alone", "*\n", NULL},
	    {"ALL", "ALL\n", NULL},
	    {"two IDs", "0AB12CD34EF 0AB12CD34EF\n", NULL},
	    {"lower case", "0ab12cd34ef\n", NULL},
	    {"a path", "../../0AB12CD34EF\n", NULL},
	    {"an option", "-d\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct queue_id id = {""};
		int code = id_of_line(cases[i].line, strlen(cases[i].line), &id);

		if (!cases[i].want)
			case_assert(cases[i].name, code == ERR_SYNTAX);
		else {
			case_assert(cases[i].name, code == (*cases[i].want != '\0'));
			case_assert_text(cases[i].name, id.text, cases[i].want);
		}
	}
}

static void test_embedded_nul(void **state)
{
	struct queue_id id;

	(void)state;
	assert_int_equal(id_of_line("0AB12CD34EF\0X", 13, &id), ERR_SYNTAX);
	assert_int_equal(id_of_line("\0", 1, &id), ERR_SYNTAX);
}

/* Reads text as if from stdin; the complaints go to *ret. */
static int read_text(const char *text, struct selector *s, size_t *bad, char **ret)
{
	char copy[4096];
	size_t len;
	FILE *to = open_memstream(ret, &len), *from;
	int code;

	snprintf(copy, sizeof(copy), "%s", text);
	from = fmemopen(copy, strlen(copy), "r");
	assert_non_null(from);
	selector_init(s);
	code = ids_read(from, to, s, bad, NULL);
	fclose(from);
	fclose(to);
	return code;
}

static void test_stream(void **state)
{
	struct selector s;
	size_t bad = 9;
	char *said = NULL;

	(void)state;
	assert_int_equal(
	    read_text("0AB12CD34EF\r\n\n x\033[31my \n0AB12CD34F0\nALL", &s, &bad, &said), 0);
	assert_int_equal(s.ids.count, 2);
	assert_int_equal(bad, 2);
	assert_string_equal(said, "pqpurge-idx: line 3: ' x?[31my ' is not a queue ID\n"
				  "pqpurge-idx: line 5: 'ALL' is not a queue ID\n");
	free(said);
	selector_release(&s);
}

static void test_many_complaints(void **state)
{
	struct strbuf text = {0};
	struct selector s;
	size_t bad = 0;
	char *said = NULL;

	(void)state;
	for (int i = 0; i < 33; i++)
		strbuf_puts(&text, "no ID\n");
	assert_int_equal(read_text(text.text, &s, &bad, &said), 0);
	assert_int_equal(bad, 33);
	assert_non_null(strstr(said, "line 20:"));
	assert_null(strstr(said, "line 21:"));
	assert_non_null(strstr(said, "and 13 more lines\n"));
	free(said);
	strbuf_release(&text);
	selector_release(&s);
}

/* A stream of one endless line: its memory is not that of the line. */
static ssize_t give_zeros(void *cookie, char *buf, size_t size)
{
	size_t *left = cookie;
	size_t n = size < *left ? size : *left;

	memset(buf, *left % 2 ? ' ' : '\0', n);
	*left -= n;
	return (ssize_t)n;
}

static void test_long_line(void **state)
{
	size_t left = (size_t)1 << 28, bad = 0, len;
	char *said = NULL;
	FILE *to = open_memstream(&said, &len);
	FILE *from = fopencookie(&left, "r", (cookie_io_functions_t){.read = give_zeros});
	struct rusage before, after;
	struct selector s;

	(void)state;
	selector_init(&s);
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	assert_int_equal(ids_read(from, to, &s, &bad, NULL), 0);
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	fclose(from);
	fclose(to);
	assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10); /* kB */
	assert_int_equal(bad, 1);
	assert_int_equal(s.ids.count, 0);
	free(said);
	selector_release(&s);
}

/* Blanks in front of an ID do not hide it silently. */
static void test_cut_line(void **state)
{
	char text[IDS_LINE_MAX + 64], *said = NULL;
	struct selector s;
	size_t bad = 0;

	(void)state;
	memset(text, ' ', sizeof(text));
	snprintf(text + IDS_LINE_MAX + 8, 32, "0AB12CD34EF\n0AB12CD34F0\n");
	assert_int_equal(read_text(text, &s, &bad, &said), 0);
	assert_int_equal(bad, 1);
	assert_int_equal(s.ids.count, 1);
	free(said);
	selector_release(&s);
}

static ssize_t give_ids(void *cookie, char *buf, size_t size)
{
	size_t n = 0;

	(void)cookie;
	for (; n + 12 <= size; n += 12)
		memcpy(buf + n, "0AB12CD34EF\n", 12);
	return (ssize_t)n;
}

static void test_too_many(void **state)
{
	FILE *from = fopencookie(NULL, "r", (cookie_io_functions_t){.read = give_ids});
	struct selector s;
	struct err err;
	size_t bad = 0;

	(void)state;
	selector_init(&s);
	assert_int_equal(ids_read(from, stderr, &s, &bad, &err), ERR_USAGE);
	assert_non_null(strstr(err.text, "more than 4194304 queue IDs"));
	fclose(from);
	selector_release(&s);
}

static void test_unreadable(void **state)
{
	FILE *from = fopen("/", "r");
	struct selector s;
	struct err err;
	size_t bad;

	(void)state;
	if (!from)
		skip();
	selector_init(&s);
	assert_true(ids_read(from, stderr, &s, &bad, &err) < 0);
	assert_non_null(strstr(err.text, "stdin"));
	fclose(from);
	selector_release(&s);
}

UNIT_MAIN(cmocka_unit_test(test_line), cmocka_unit_test(test_embedded_nul),
    cmocka_unit_test(test_stream), cmocka_unit_test(test_many_complaints),
    cmocka_unit_test(test_long_line), cmocka_unit_test(test_cut_line),
    cmocka_unit_test(test_too_many), cmocka_unit_test(test_unreadable))
