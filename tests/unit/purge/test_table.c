/* SPDX-License-Identifier: ISC */
/* Tables on a terminal, printed in portions. */
#include <fcntl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/str.h"
#include "purge/tell/table.h"

#define ROWS  2500
#define WIDTH 60

/* In a child, since a terminal buffers only a few kilobytes until somebody reads. */
static void __attribute__((noreturn)) print_rows(const char *terminal)
{
	static const struct table_column columns[] = {
	    {.name = "NUMBER", .right = true}, {.name = "TEXT", .cut = true}, {.name = "LAST"}};
	int fd = open(terminal, O_RDWR | O_NOCTTY);
	struct termios raw;
	struct table *t;

	if (dup2(fd, STDOUT_FILENO) < 0 || tcgetattr(fd, &raw) < 0)
		_exit(1);
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		_exit(1);
	setenv("COLUMNS", "60", 1);
	setenv("TERM", "dumb", 1);
	t = table_new(stdout, columns, COUNT_OF(columns));
	for (unsigned n = 0; n < ROWS; n++) {
		char number[16], text[200];

		(void)snprintf(number, sizeof number, "%u", n);
		(void)snprintf(text, sizeof text, "%0*u", n % 7 == 0 ? 150 : 5, 1u);
		table_add(t, (const char *[]){number, text, "end"});
	}
	if (table_end(t) != 0 || fflush(stdout) != 0)
		_exit(1);
	_exit(0);
}

static char *read_all(int master)
{
	struct strbuf text = {0};
	char part[4096];
	ssize_t got;

	while ((got = read(master, part, sizeof part)) > 0)
		strbuf_add(&text, part, (size_t)got);
	return text.text;
}

static void test_portions(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), status;
	char *text, *rest = NULL, name[64];
	unsigned n = 0;
	pid_t pid;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	assert_int_equal(ptsname_r(master, name, sizeof name), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		print_rows(name);
	text = read_all(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_non_null(text);
	char *line = strtok_r(text, "\n", &rest);
	assert_non_null(strstr(line, "NUMBER TEXT"));
	size_t width = strcspn(rest, "\n");
	for (line = strtok_r(NULL, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), n++) {
		if (strtoul(line, NULL, 10) != n || strlen(line) > WIDTH)
			case_fail(line, "it should be row %u", n);
		case_assert_text(line, line + strlen(line) - 3, "end");
		/* Columns begin below their heads. */
		case_assert(line, strlen(line) == width && line[5] != ' ' && line[6] == ' ');
	}
	assert_int_equal(n, ROWS);
	free(text);
	close(master);
}

UNIT_MAIN(cmocka_unit_test(test_portions))
