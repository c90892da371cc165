/* SPDX-License-Identifier: ISC */
/* The store's data file: set aside, looked at, cut short, kept from children. */
#include "tests/unit/index/fixture.h"

static void test_preallocate(void **state)
{
	char *dir = fixture_dir(), path[100];
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct stat before, once, twice;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/data.mdb", dir);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(store_preallocate(store, 4 << 20), 0);
	assert_int_equal(stat(path, &once), 0);
	assert_int_equal(once.st_size, before.st_size);
	assert_true(once.st_blocks * 512 >= once.st_size + (4 << 20));
	assert_int_equal(store_preallocate(store, 4 << 20), 0);
	assert_int_equal(stat(path, &twice), 0);
	assert_int_equal(twice.st_blocks, once.st_blocks);
	/* Never past the map: that space could not be used. */
	assert_int_equal(store_preallocate(store, UINT64_C(1) << 40), 0);
	assert_int_equal(stat(path, &twice), 0);
	assert_true(twice.st_blocks * 512 <= MAP_SIZE + (1 << 20));
	store_close(store);
	fixture_remove(dir);
}

static void test_check(void **state)
{
	char *dir = fixture_dir(), from[100], to[100];
	struct store *store = fixture_store(dir, MAP_SIZE), *other;

	(void)state;
	assert_int_equal(store_check(store), 0);
	(void)snprintf(from, sizeof from, "%s/data.mdb", dir);
	(void)snprintf(to, sizeof to, "%s/moved", dir);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(store_check(store), ERR_STALE);
	(void)snprintf(to, sizeof to, "%s/lock.mdb", dir);
	assert_int_equal(unlink(to), 0);
	other = fixture_store(dir, MAP_SIZE);
	assert_int_equal(store_check(store), ERR_STALE);
	assert_int_equal(store_check(other), 0);
	store_close(other);
	store_close(store);
	fixture_remove(dir);
}

/* A data file cut short must be an error for the daemon, which would otherwise die of it at each
 * start. */
static void test_truncated_file(void **state)
{
	char *dir = fixture_dir(), path[100];
	struct store_config config = {.directory = dir, .map_size = MAP_SIZE};
	struct store *store = fixture_store(dir, MAP_SIZE);
	int status;
	pid_t pid;

	(void)state;
	(void)fixture_fill(store, NULL);
	store_close(store);
	(void)snprintf(path, sizeof path, "%s/data.mdb", dir);
	assert_int_equal(truncate(path, 3 * 4096), 0);
	pid = fork();
	if (pid == 0) {
		struct txn txn;
		struct span got;
		unsigned char key[8];
		int code = store_open_lmdb(&config, &store, NULL);

		if (code == 0 && txn_begin(store, true, &txn) == 0)
			code = txn_get(&txn, STORE_MESSAGE, entry_key(500, key), &got);
		_exit(code == ERR_DAMAGED ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	fixture_remove(dir);
}

static void test_nothing_is_inherited(void **state)
{
	char *dir = fixture_dir(), path[64], target[200];
	struct store *store = fixture_store(dir, MAP_SIZE);
	int seen = 0;

	(void)state;
	for (int fd = 3; fd < 64; fd++) {
		ssize_t len;

		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof target - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (strncmp(target, dir, strlen(dir)) != 0)
			continue;
		seen++;
		if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			case_fail(target, "would be inherited");
	}
	assert_true(seen >= 2);
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_preallocate), cmocka_unit_test(test_check),
    cmocka_unit_test(test_truncated_file), cmocka_unit_test(test_nothing_is_inherited))
