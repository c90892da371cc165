/* SPDX-License-Identifier: ISC */
/* The rules file: lines, comments, the place of an error, all or nothing. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "rules/rules_file.h"

static int parse(const char *text, struct rule_list *ret, struct err *err)
{
	return rules_file_parse("rules", text, strlen(text), ret, err);
}

static void test_good(void **state)
{
	static const char text[] = "# comment\n"
				   "\n"
				   "  \t \n"
				   "   # an indented comment\n"
				   "example.com REJECT\n"
				   "#example.org REJECT\n"
				   ".example.com\tHOLD  a text \n"
				   "/a # b/ OK\n"
				   "login:bob OK";
	static const struct {
		const char *subject, *text;
		unsigned line;
	} want[] = {{"example.com", "", 5}, {".example.com", "a text", 7}, {"/a # b/", "", 8},
	    {"login:bob", "", 9}};
	struct rule_list rules;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(parse(text, &rules, &err), 0);
	assert_int_equal(rules.count, COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		case_assert_text(want[i].subject, rules.list[i].subject, want[i].subject);
		case_assert_text(want[i].subject, rules.list[i].text, want[i].text);
		case_assert(want[i].subject, rules.list[i].line == want[i].line);
	}
	rule_list_release(&rules);
	assert_null(rules.list);
}

static void test_empty(void **state)
{
	static const char *const texts[] = {"", "\n", "#", "\n\n# x\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct rule_list rules;

		case_assert(texts[i], parse(texts[i], &rules, NULL) == 0);
		case_assert(texts[i], rules.count == 0);
		rule_list_release(&rules);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
	    {"first line", "example.com\n", "rules:1: no action after 'example.com'"},
	    {"third line", "# x\na.example OK\nb.example MAYBE x\nc.example\n",
		"rules:3: unknown action 'MAYBE'"},
	    {"last line without newline", "a.example OK\n\n/(/ OK", "rules:3: /(/: bad expression"},
	    {"continuation", "a.example REJECT one\n  two three\n", "rules:2: a rule begins in"},
	    {"DOS line end", "a.example OK\r\n", "rules:1: a carriage return"},
	    {"DOS empty line", "\r\n", "rules:1: a carriage return"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rule_list rules = {.count = 99};
		struct err err = {{0}};

		case_assert(rows[i].name, parse(rows[i].text, &rules, &err) == ERR_SYNTAX);
		if (!str_starts(err.text, rows[i].want))
			case_fail(rows[i].name, "got '%s'", err.text);
		case_assert(rows[i].name, rules.count == 99);
	}
}

static void test_nul(void **state)
{
	static const char text[] = "a.example OK\nb.example\0 OK\n";
	struct rule_list rules;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(
	    rules_file_parse("rules", text, sizeof(text) - 1, &rules, &err), ERR_SYNTAX);
	assert_string_equal(err.text, "rules:2: a NUL byte");
}

static void test_list(void **state)
{
	struct rule_list rules = {0};
	struct rule r;
	char subject[32];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(subject, sizeof(subject), "d%u.example", i);
		assert_int_equal(rule_make(subject, RULE_REJECT, NULL, &r, NULL), 0);
		assert_int_equal(rule_list_add(&rules, &r), 0);
		assert_null(r.subject);
	}
	assert_int_equal(rules.count, 100);
	assert_string_equal(rules.list[0].subject, "d0.example");
	assert_string_equal(rules.list[99].subject, "d99.example");
	rule_list_release(&rules);
	rule_list_release(&rules);
}

static char directory[] = "/tmp/pqpurge-rules-XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/rules", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void write_file(const char *line, unsigned times)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (unsigned i = 0; i < times; i++)
		fprintf(f, "d%u.%s\n", i, line);
	assert_int_equal(fclose(f), 0);
}

static void test_read(void **state)
{
	struct rule_list rules = {.count = 99};
	struct err err = {{0}};
	char want[128];

	(void)state;
	assert_int_equal(rules_file_read(path, &rules, &err), 0);
	assert_int_equal(rules.count, 0);
	write_file("example REJECT with some words", 20000);
	assert_int_equal(rules_file_read(path, &rules, &err), 0);
	assert_int_equal(rules.count, 20000);
	assert_string_equal(rules.list[19999].subject, "d19999.example");
	assert_int_equal(rules.list[19999].line, 20000);
	rule_list_release(&rules);
	write_file("bad line", 1);
	assert_int_equal(rules_file_read(path, &rules, &err), ERR_SYNTAX);
	snprintf(want, sizeof(want), "%s:1: unknown action 'line'", path);
	assert_true(str_starts(err.text, want));
	assert_int_equal(rules_file_read(directory, &rules, &err), -EISDIR);
	assert_non_null(strstr(err.text, directory));
	snprintf(want, sizeof(want), "%s/rules", path);
	assert_int_equal(rules_file_read(want, &rules, &err), -ENOTDIR);
}

/* A FIFO does not block, and does not count as a file without rules. */
static void test_fifo(void **state)
{
	struct rule_list rules = {0};
	struct err err = {{0}};

	(void)state;
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(rules_file_read(path, &rules, &err) < 0);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(rules.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_fifo),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
