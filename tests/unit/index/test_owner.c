/* SPDX-License-Identifier: ISC */
/* Whose the index is, and which files of root's are none. Most of it can only be staged by root. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "index/owner.h"

#define OTHER ((uid_t)65534)
#define NONE  ((uid_t)-1) /* no data file */

struct row {
	const char *name;
	uid_t directory;
	mode_t mode;
	uid_t file;
	bool needs_file;
	int want;
	uid_t owner;
};

static const struct row rows[] = {
    {"the daemon's own", OTHER, 0700, OTHER, true, 0, OTHER},
    {"the daemon's own, to write", OTHER, 0700, OTHER, false, 0, OTHER},
    {"the daemon's file in root's directory", 0, 0770, OTHER, true, 0, OTHER},
    {"root's own", 0, 0755, 0, true, 0, 0},
    {"root's file in the daemon's directory", OTHER, 0700, 0, true, -EACCES, 0},
    {"root's file in the daemon's directory, to write", OTHER, 0700, 0, false, -EACCES, 0},
    {"root's file in its group's directory", 0, 0770, 0, true, -EACCES, 0},
    {"root's file in everybody's directory", 0, 0757, 0, false, -EACCES, 0},
    {"no file", OTHER, 0700, NONE, true, ERR_NO_INDEX, 0},
    {"no file, to write", OTHER, 0700, NONE, false, 0, OTHER},
    {"no file, to write in root's", 0, 0700, NONE, false, 0, 0},
};

static void put_file(const char *path, uid_t uid)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	if (uid != geteuid())
		assert_int_equal(fchown(fd, uid, uid), 0);
	close(fd);
}

static void check(const struct row *row)
{
	char directory[] = "/tmp/pqpurge-owner.XXXXXX", path[64];
	struct err err = {{0}};
	struct role role;
	int code;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/data.mdb", directory);
	if (row->file != NONE)
		put_file(path, row->file);
	if (row->directory != geteuid())
		assert_int_equal(chown(directory, row->directory, row->directory), 0);
	assert_int_equal(chmod(directory, row->mode), 0);
	code = owner_find(directory, "read", row->needs_file, &role, &err);
	if (code != row->want)
		case_fail(row->name, "got %d (%s), want %d", code, err.text, row->want);
	if (code == 0)
		case_assert(row->name, role.uid == row->owner);
	else
		case_assert(row->name, strstr(err.text, directory) != NULL);
	unlink(path);
	assert_int_equal(rmdir(directory), 0);
}

static void test_rows(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		check(&rows[n]);
}

/* Without root. */
static void test_own(void **state)
{
	const struct row own = {"own", geteuid(), 0700, geteuid(), true, 0, geteuid()};
	struct err err = {{0}};
	struct role role;

	(void)state;
	check(&own);
	assert_int_equal(owner_find("/nonexistent", "read", false, &role, &err), ERR_NO_INDEX);
	assert_int_equal(owner_find("/dev/null", "read", false, &role, &err), ERR_NO_INDEX);
}

UNIT_MAIN(cmocka_unit_test(test_rows), cmocka_unit_test(test_own))
