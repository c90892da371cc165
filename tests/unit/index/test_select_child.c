/* SPDX-License-Identifier: ISC */
/* Selection through a child that is the index's owner; and what is said where there is no index to
 * read. */
#include "tests/unit/index/select_fixture.h"

static int make_index(void *arg, struct bytes *out, struct err *err)
{
	struct home home;
	int code = home_open(arg, MAP_SIZE, false, &home, err);

	(void)out;
	if (code != 0)
		return code;
	add_mails(home.store);
	home_close(&home);
	return 0;
}

static char *owned_index(void)
{
	char *dir = fixture_dir();
	struct blob blob = {0};
	struct err err = {0};
	struct role owner;

	fixture_role(&owner);
	if (role_collect(&owner, make_index, dir, &blob, &err) != 0)
		case_fail("make index", "%s", err.text);
	blob_release(&blob);
	make_deep_domains();
	return dir;
}

static void test_in_a_child(void **state)
{
	struct selector s = selector_of(&(struct ask){.author = {"example.com"}});
	struct queue_id ids[] = {
	    fixture_id(0, 100), fixture_id(50, 100), fixture_id(3, 103), fixture_id(1, 999)};
	char *dir = owned_index(), got[100];
	struct candidates c;
	struct err err = {0};
	uint32_t *unknown;
	size_t count;

	(void)state;
	if (index_select(dir, &s, &c, &err) != 0)
		case_fail("select", "%s", err.text);
	positions_of(&c, got, sizeof got);
	assert_string_equal(got, "0 4 9");
	candidates_release(&c);
	if (index_unknown(dir, ids, COUNT_OF(ids), &unknown, &count, &err) != 0)
		case_fail("unknown", "%s", err.text);
	assert_int_equal(count, 2);
	assert_int_equal(unknown[0], 1);
	assert_int_equal(unknown[1], 3);
	free(unknown);
	selector_release(&s);
	fixture_remove(dir);
}

static void test_no_index(void **state)
{
	struct selector s = selector_of(&(struct ask){.all = true});
	char *dir = fixture_dir(), want[200];
	struct candidates c;
	struct err err = {0};

	(void)state;
	(void)snprintf(want, sizeof want,
	    "no index in '%s' (has pqpurge-milter run with this configuration?)", dir);
	assert_int_equal(index_select(dir, &s, &c, &err), ERR_NO_INDEX);
	assert_string_equal(err.text, want);
	assert_int_equal(index_select("/nonexistent/pqpurge", &s, &c, &err), ERR_NO_INDEX);
	selector_release(&s);
	fixture_remove(dir);
}

/* Bytes all over the file: whatever the reader dies of, the parent gets an error or an answer. */
static void test_damaged_file(void **state)
{
	struct selector s = selector_of(&(struct ask){.all = true});
	char *dir = owned_index(), path[100];
	struct candidates c;
	struct err err = {0};
	int fd, code;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/data.mdb", dir);
	assert_int_equal(truncate(path, 2 * 4096), 0);
	code = index_select(dir, &s, &c, &err);
	assert_int_equal(code, ERR_DAMAGED);
	assert_non_null(strstr(err.text, "is damaged"));
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "garbage garbage garbage garbage garbage", 39), 39);
	assert_int_equal(close(fd), 0);
	assert_int_equal(index_select(dir, &s, &c, &err), ERR_DAMAGED);
	selector_release(&s);
	fixture_remove(dir);
}

static int read_as_stranger(void *arg, struct bytes *out, struct err *err)
{
	struct selector s = selector_of(&(struct ask){.all = true});
	struct candidates c;
	int code = index_select(arg, &s, &c, err);

	(void)out;
	return code == 0 ? -EINVAL : code;
}

static void test_no_permission(void **state)
{
	char *dir = owned_index();
	struct role stranger;
	struct blob blob = {0};
	struct err err = {0};

	(void)state;
	if (geteuid() != 0 || role_of_user("daemon", &stranger, NULL) != 0) {
		fixture_remove(dir);
		skip();
	}
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(role_collect(&stranger, read_as_stranger, dir, &blob, &err), -EACCES);
	assert_non_null(strstr(err.text, "no permission to read index"));
	assert_non_null(strstr(err.text, "(must be root or nobody)"));
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_in_a_child), cmocka_unit_test(test_no_index),
    cmocka_unit_test(test_damaged_file), cmocka_unit_test(test_no_permission))
