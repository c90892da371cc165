/* SPDX-License-Identifier: ISC */
/* -o FILE: written completely or not at all, and never where a stranger's link leads. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <sys/wait.h>

#include "base/io.h"
#include "purge/tell/out_file.h"

#define STRANGER 65534

static char base[64];

static void enter(char *path, const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", base, name);
}

static void make_directory(const char *name, uid_t owner)
{
	char path[PATH_MAX];

	enter(path, name);
	assert_return_code(mkdir(path, 0755), errno);
	assert_return_code(chown(path, owner, owner), errno);
}

static void make_link(const char *to, const char *name, uid_t owner)
{
	char path[PATH_MAX];

	enter(path, name);
	assert_return_code(symlink(to, path), errno);
	assert_return_code(lchown(path, owner, owner), errno);
}

/* roots/ is root's; open/ is a stranger's; open/roots is root's inside a stranger's; sticky/ is
 * like /tmp. */
static int set_up(void **state)
{
	char sticky[PATH_MAX];

	(void)state;
	/* Not below /tmp, where everybody may write. */
	snprintf(base, sizeof(base), "/run/pqpurge-out.XXXXXX");
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return -1;
	make_directory("roots", 0);
	make_directory("open", STRANGER);
	make_directory("open/roots", 0);
	make_directory("open/a_directory", STRANGER);
	make_link("open", "roots_link", 0);
	make_link("roots", "roots_too", 0);
	make_link("../roots", "open/link", STRANGER);
	make_link("../roots/x", "open/file_link", STRANGER);
	make_link("../roots", "open/link_of_roots", 0);
	make_directory("sticky", 0);
	enter(sticky, "sticky");
	assert_return_code(chmod(sticky, 01777), errno);
	make_link("../roots", "sticky/link", STRANGER);
	make_link("../roots", "sticky/link_of_roots", 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", base, NULL);
		_exit(127);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static void read_back(const char *name, const char *path, const char *want, uid_t owner)
{
	char text[64] = "";
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW);

	case_assert(name, fd >= 0);
	case_assert(name, fstat(fd, &st) == 0);
	case_assert(name, io_read_all(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	case_assert_text(name, text, want);
	case_assert(name, (st.st_mode & 07777) == 0644);
	case_assert(name, st.st_uid == owner);
}

/* No temporary file is left. */
static void assert_no_rest(const char *name, const char *directory)
{
	DIR *d = opendir(directory);
	bool rest = false;

	case_assert(name, d);
	for (struct dirent *e; (e = readdir(d));)
		rest |= strncmp(e->d_name, ".pqpurge", 8) == 0;
	closedir(d);
	case_assert(name, !rest);
}

static void test_places(void **state)
{
	static const struct {
		const char *name, *path, *directory;
		int code;
		uid_t owner;
	} cases[] = {
	    {"root's", "roots/x", "roots", 0, 0},
	    {"a stranger's", "open/x", "open", 0, STRANGER},
	    {"root's in a stranger's", "open/roots/x", "open/roots", 0, 0},
	    {"with dots", "open/./roots//y", "open/roots", 0, 0},
	    {"a link of root's to a stranger's", "roots_link/y", "open", ERR_CONFIG, 0},
	    {"a link of root's to root's", "roots_too/z", "roots", 0, 0},
	    {"a link for a directory", "open/link/y", "roots", ERR_CONFIG, 0},
	    {"even root's", "open/link_of_roots/y", "roots", ERR_CONFIG, 0},
	    {"a stranger's link in a sticky directory", "sticky/link/y", "roots", ERR_CONFIG, 0},
	    {"with slashes", "sticky/link//y", "roots", ERR_CONFIG, 0},
	    {"root's link in a sticky directory", "sticky/link_of_roots/w", "roots", 0, 0},
	    {"up again", "open/roots/../../roots/y", "roots", ERR_CONFIG, 0},
	    {"a link for the file", "open/file_link", "open", ERR_CONFIG, 0},
	    {"a directory for the file", "open/a_directory", "open", ERR_CONFIG, 0},
	    {"no directory", "none/x", "roots", -ENOENT, 0},
	    {"no name", "roots/", "roots", ERR_USAGE, 0},
	    {"dots for a name", "roots/..", "roots", ERR_USAGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char path[PATH_MAX], directory[PATH_MAX];
		struct err err = {{0}};

		enter(path, cases[i].path);
		enter(directory, cases[i].directory);
		int code = out_file_write(path, 0644, "new\n", 4, &err);
		if (code != cases[i].code)
			case_fail(cases[i].name, "code %d, '%s'", code, err.text);
		case_assert(cases[i].name, (code == 0) == (err.text[0] == '\0'));
		if (code == 0)
			read_back(cases[i].name, path, "new\n", cases[i].owner);
		assert_no_rest(cases[i].name, directory);
	}
	char target[PATH_MAX];
	enter(target, "roots/y");
	assert_int_equal(access(target, F_OK), -1);
}

/* Readers of the old file still see all of it. The old file may be anybody's, and its mode is not
 * inherited. */
static void test_replaced(void **state)
{
	char path[PATH_MAX];
	char text[16] = "";

	(void)state;
	enter(path, "open/replaced");
	int old = open(path, O_RDWR | O_CREAT, 0600);
	assert_return_code(old, errno);
	assert_int_equal(write(old, "old\n", 4), 4);
	umask(0077);
	assert_int_equal(out_file_write(path, 0644, "new\n", 4, NULL), 0);
	umask(0022);
	assert_int_equal(pread(old, text, sizeof(text) - 1, 0), 4);
	assert_string_equal(text, "old\n");
	close(old);
	read_back("replaced", path, "new\n", STRANGER);
}

static void test_relative(void **state)
{
	char path[PATH_MAX], before[PATH_MAX];

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	enter(path, "open");
	assert_return_code(chdir(path), errno);
	assert_int_equal(out_file_write("relative", 0644, "new\n", 4, NULL), 0);
	assert_int_equal(out_file_write("link/z", 0644, "new\n", 4, NULL), ERR_CONFIG);
	assert_return_code(chdir(before), errno);
	enter(path, "open/relative");
	read_back("relative", path, "new\n", STRANGER);
}

/* Without root there is only one owner. */
int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_places),
	    cmocka_unit_test(test_replaced), cmocka_unit_test(test_relative)};

	if (geteuid() != 0) {
		print_message("test_out_file: needs root, left out\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
