/* SPDX-License-Identifier: ISC */
/* The check of a data file's pages: a sound file passes, each kind of damage is found and told. */
#include "tests/unit/index/fixture.h"

#include "index/data_file.h"
#include "index/data_pages.h"

#define PAGE 4096

static char *dir;

static int setup(void **state)
{
	struct home home;
	struct txn txn;
	struct err err = {{0}};

	(void)state;
	dir = strdup("/tmp/pqpurge-pages.XXXXXX");
	assert_non_null(mkdtemp(dir));
	if (home_open(dir, MAP_SIZE, true, &home, &err) != 0)
		case_fail("open", "%s", err.text);
	for (unsigned batch = 0; batch < 60; batch++) {
		assert_int_equal(txn_begin(home.store, true, &txn), 0);
		for (unsigned i = 0; i < 100; i++) {
			struct mail mail = {.usec = i,
			    .inode = 1 + (batch * 100 + i) % 5500,
			    .time = 1000 + i,
			    .sender = i % 2 ? "a@example.com" : "b@example.net"};

			fixture_add(&txn, &mail, NULL);
		}
		assert_int_equal(txn_commit(&txn, &err), 0);
		if (data_pages_check(dir, INT64_MAX, &err) != 0)
			case_fail("sound", "%s", err.text);
	}
	home_close(&home);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_remove(dir);
	return 0;
}

static unsigned char *load(size_t *ret_len)
{
	char *path = data_file_path(dir, DATA_FILE);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	unsigned char *data;

	assert_int_equal(fstat(fd, &st), 0);
	*ret_len = (size_t)st.st_size;
	data = malloc(*ret_len);
	assert_int_equal(read(fd, data, *ret_len), (ssize_t)*ret_len);
	close(fd);
	free(path);
	return data;
}

static void store(const unsigned char *data, size_t len)
{
	char *path = data_file_path(dir, DATA_FILE);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
	free(path);
}

/* The newest meta page, and the root of the tables' names, in it. */
static unsigned char *newest_meta(unsigned char *data)
{
	uint64_t a, b;

	memcpy(&a, data + 16 + 8 + 16 + 96 + 8, 8);
	memcpy(&b, data + PAGE + 16 + 8 + 16 + 96 + 8, 8);
	return data + (a < b ? PAGE : 0);
}

static unsigned char *main_root(unsigned char *data)
{
	uint64_t root;

	memcpy(&root, newest_meta(data) + 16 + 24 + 48 + 40, 8);
	return data + root * PAGE;
}

enum what { MAGIC, NUMBER, KIND, LOWER, NODE_PLACE, KEY_LENGTH, ENTRIES, LAST, SHORT };

static size_t damage(unsigned char *data, size_t len, enum what what)
{
	unsigned char *meta = newest_meta(data), *root = main_root(data);
	uint16_t place;

	memcpy(&place, root + 16, 2);
	switch (what) {
	case MAGIC:
		meta[16] ^= 1;
		return len;
	case NUMBER:
		root[0] ^= 1;
		return len;
	case KIND:
		root[10] ^= 3;
		return len;
	case LOWER:
		root[12] += 1;
		return len;
	case NODE_PLACE:
		root[17] = 0xff;
		return len;
	case KEY_LENGTH:
		root[place + 6] = 0xff;
		root[place + 7] = 0xff;
		return len;
	case ENTRIES:
		meta[16 + 24 + 48 + 32] ^= 1;
		return len;
	case LAST:
		meta[16 + 24 + 96 + 4] = 1;
		return len;
	case SHORT:
		break;
	}
	return 3 * PAGE;
}

static void test_damage(void **state)
{
	static const struct {
		const char *name;
		enum what what;
		const char *want;
	} cases[] = {
	    {"magic", MAGIC, "no meta page"},
	    {"page number", NUMBER, "a wrong head"},
	    {"kind of page", KIND, "a wrong head"},
	    {"lower bound", LOWER, "a wrong head"},
	    {"place of a node", NODE_PLACE, "a node that is not in its page"},
	    {"length of a key", KEY_LENGTH, "a node that is not in its page"},
	    {"count", ENTRIES, "a tree that counts wrongly"},
	    {"last page", LAST, "the last one, but not there"},
	    {"cut", SHORT, "not in the file"},
	};
	size_t len;
	unsigned char *sound = load(&len), *data = malloc(len);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err err = {{0}};
		struct home home;

		memcpy(data, sound, len);
		store(data, damage(data, len, cases[i].what));
		if (data_pages_check(dir, INT64_MAX, &err) != ERR_DAMAGED)
			case_fail(cases[i].name, "not found: %s", err.text);
		if (!strstr(err.text, cases[i].want))
			case_fail(cases[i].name, "told as: %s", err.text);
		if (home_open(dir, MAP_SIZE, true, &home, &err) != ERR_DAMAGED)
			case_fail(cases[i].name, "opened: %s", err.text);
	}
	store(sound, len);
	free(data);
	free(sound);
}

static void test_deadline(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(data_pages_check(dir, 0, &err), 1);
	assert_int_equal(data_pages_check(dir, INT64_MAX, &err), 0);
}

static void test_no_file(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(data_pages_check("/nonexistent", INT64_MAX, &err), 0);
}

/* Where LMDB gave up in a write, the next to open does not try again, and setting aside ends it. */
static void test_mark(void **state)
{
	struct home home;
	struct err err = {{0}};

	(void)state;
	data_file_mark(dir);
	assert_int_equal(home_open(dir, MAP_SIZE, true, &home, &err), ERR_DAMAGED);
	assert_non_null(strstr(err.text, "its last writer died of it"));
	assert_int_equal(home_set_aside(dir, &err), 0);
	assert_int_equal(home_open(dir, MAP_SIZE, true, &home, &err), 0);
	home_close(&home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_no_file),
	    cmocka_unit_test(test_mark),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
