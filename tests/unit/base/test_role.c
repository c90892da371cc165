/* SPDX-License-Identifier: ISC */
/*
 * The user that a process becomes: roles are looked up, and assumed for good. Most of it needs root
 * and is skipped without.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/role.h"

#define SOMEBODY "nobody"

static char directory[64];
static char path[128];

static int make_file(void **state)
{
	int fd;

	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/pqpurge-role-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/file", directory);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* Runs check in a child; returns the number of the failed check, or 0. */
static int in_child(int (*check)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_of_user(void **state)
{
	const struct passwd *entry = getpwnam(SOMEBODY);
	struct role role;
	struct err err = {{0}};

	(void)state;
	assert_non_null(entry);
	assert_int_equal(role_of_user(SOMEBODY, &role, &err), 0);
	assert_int_equal(role.uid, entry->pw_uid);
	assert_int_equal(role.gid, entry->pw_gid);
	assert_string_equal(role.name, SOMEBODY);
	assert_int_equal(role_of_user("no-such\nuser", &role, &err), ERR_CONFIG);
	assert_string_equal(err.text, "no such user 'no-such?user'");
	assert_int_equal(role_of_user("", &role, &err), ERR_CONFIG);
}

static void test_of_owner(void **state)
{
	struct role role;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(role_of_owner(path, &role, &err), 0);
	assert_int_equal(role.uid, geteuid());
	assert_int_equal(role_of_owner("/no/such/file", &role, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/no/such/file"));
}

/* Postfix's queue directories are postfix:root, but the process must not keep group root. */
static void test_of_owner_takes_the_users_group(void **state)
{
	const struct passwd *entry = getpwnam(SOMEBODY);
	struct role role;
	struct err err;

	(void)state;
	need_root();
	assert_int_equal(chown(path, entry->pw_uid, 0), 0);
	assert_int_equal(role_of_owner(path, &role, &err), 0);
	assert_int_equal(role.uid, entry->pw_uid);
	assert_int_equal(role.gid, entry->pw_gid);
	assert_string_equal(role.name, SOMEBODY);
}

static void test_of_owner_without_a_name(void **state)
{
	struct role role;
	struct err err;

	(void)state;
	need_root();
	assert_null(getpwuid(123456));
	assert_int_equal(chown(path, 123456, 0), 0);
	assert_int_equal(role_of_owner(path, &role, &err), 0);
	assert_int_equal(role.uid, 123456);
	assert_int_not_equal(role.gid, 0);
	assert_string_equal(role.name, "uid 123456");
	assert_int_equal(chown(path, 123456, 777), 0);
	assert_int_equal(role_of_owner(path, &role, &err), 0);
	assert_int_equal(role.gid, 777);
}

/* A stranger's link counts as the stranger's. One of root's is the admin's way to another disk. */
static void test_of_owner_of_a_link(void **state)
{
	const struct passwd *entry = getpwnam(SOMEBODY);
	char link[160];
	struct role role;
	struct err err;

	(void)state;
	need_root();
	snprintf(link, sizeof(link), "%s/link", directory);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(lchown(link, entry->pw_uid, entry->pw_gid), 0);
	assert_int_equal(role_of_owner(link, &role, &err), 0);
	assert_int_equal(role.uid, entry->pw_uid);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(chown(path, entry->pw_uid, entry->pw_gid), 0);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(role_of_owner(link, &role, &err), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(role.uid, entry->pw_uid);
}

static int become_somebody(struct role *role, bool with_groups)
{
	struct err err;

	return role_of_user(SOMEBODY, role, &err) < 0 || role_assume(role, with_groups, &err) < 0;
}

static int check_dropped(void)
{
	static const gid_t before[] = {7, 8};
	struct role role;
	uid_t ids[3];
	gid_t gids[3];

	if (setgroups(COUNT_OF(before), before) < 0 || become_somebody(&role, false))
		return 1;
	if (getresuid(&ids[0], &ids[1], &ids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return 2;
	for (size_t i = 0; i < 3; i++)
		if (ids[i] != role.uid || gids[i] != role.gid)
			return 3;
	if (getgroups(0, NULL) != 0)
		return 4;
	if (setuid(0) == 0 || setreuid(0, 0) == 0 || setresgid(0, 0, 0) == 0)
		return 5;
	if (setgroups(0, NULL) == 0)
		return 6;
	return open("/etc/shadow", O_RDONLY) >= 0 ? 7 : 0;
}

static void test_drop_is_for_good(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(in_child(check_dropped), 0);
}

static int check_with_groups(void)
{
	gid_t want[64], got[64];
	int wanted = COUNT_OF(want), count;
	struct role role;

	if (become_somebody(&role, true))
		return 1;
	if (getgrouplist(SOMEBODY, role.gid, want, &wanted) < 0)
		return 2;
	count = getgroups(COUNT_OF(got), got);
	if (count != wanted)
		return 3;
	return memcmp(got, want, (size_t)count * sizeof(got[0])) == 0 ? 0 : 4;
}

static void test_drop_with_the_users_groups(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(in_child(check_with_groups), 0);
}

/* Assuming the same role again is allowed. Any other role is refused, above all root. */
static int check_unprivileged(void)
{
	struct role role, root = {.uid = 0, .gid = 0, .name = "root"};
	struct err err = {{0}};

	if (geteuid() == 0 && become_somebody(&role, false))
		return 1;
	role = (struct role){.uid = geteuid(), .gid = 12345, .name = "self"};
	if (role_assume(&role, false, &err) != 0)
		return 2;
	if (role_assume(&root, false, &err) != -EPERM || !err.text[0])
		return 3;
	return 0;
}

static void test_unprivileged_caller(void **state)
{
	(void)state;
	assert_int_equal(in_child(check_unprivileged), 0);
}

UNIT_MAIN(cmocka_unit_test(test_of_user),
    cmocka_unit_test_setup_teardown(test_of_owner, make_file, remove_file),
    cmocka_unit_test_setup_teardown(test_of_owner_takes_the_users_group, make_file, remove_file),
    cmocka_unit_test_setup_teardown(test_of_owner_without_a_name, make_file, remove_file),
    cmocka_unit_test_setup_teardown(test_of_owner_of_a_link, make_file, remove_file),
    cmocka_unit_test(test_drop_is_for_good), cmocka_unit_test(test_drop_with_the_users_groups),
    cmocka_unit_test(test_unprivileged_caller))
