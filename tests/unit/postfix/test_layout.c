/* SPDX-License-Identifier: ISC */
/* The layout on disk, whatever main.cf says. */
#include "tests/unit/postfix/rig.h"

#define ARRIVAL INT64_C(1700000000123456)

static struct queue open_queue(const struct rig *rig)
{
	struct queue queue;

	assert_int_equal(queue_open(&rig->p, &queue, NULL), 0);
	return queue;
}

static uint32_t depths_of(const struct queue *q, enum queue_name queue)
{
	uint32_t depths = 0;

	for (unsigned n = 0; n < q->count; n++)
		if (q->spots[n].queue == queue)
			depths |= UINT32_C(1) << q->spots[n].depth;
	return depths;
}

static void make(const struct rig *rig, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", rig->spool, name);
	rig_directory(rig, path);
}

static void test_depths(void **state)
{
	static const struct {
		const char *name;
		const char *directories[8];
		uint32_t deferred, hold, defer;
	} cases[] = {
	    {"flat", {NULL}, 1, 1, 1},
	    {"one level", {"deferred/A", "defer/0"}, 3, 1, 3},
	    {"the last one", {"deferred/_"}, 3, 1, 1},
	    {"two levels", {"deferred/0", "deferred/0/F"}, 7, 1, 1},
	    {"only the last branch is deep",
		{"deferred/0", "deferred/1", "deferred/F", "deferred/F/F", "deferred/F/F/F"}, 15, 1,
		1},
	    {"several queues", {"deferred/0", "hold/1", "hold/1/2", "defer/3", "defer/3/4"}, 3, 7,
		7},
	    {"no levels", {"deferred/G", "deferred/a", "deferred/AB", "deferred/..x"}, 1, 1, 1},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		AUTO(queue_close) struct queue queue = {.dir = -1};
		struct rig rig;

		rig_open(&rig);
		for (size_t at = 0; cases[n].directories[at]; at++)
			make(&rig, cases[n].directories[at]);
		queue = open_queue(&rig);
		case_assert(cases[n].name, depths_of(&queue, QUEUE_DEFERRED) == cases[n].deferred);
		case_assert(cases[n].name, depths_of(&queue, QUEUE_HOLD) == cases[n].hold);
		case_assert(cases[n].name, queue.defer == cases[n].defer);
		case_assert(cases[n].name, queue.bounce == 1);
		case_assert(cases[n].name, queue.spots[0].queue == QUEUE_MAILDROP);
		rig_close(&rig);
	}
}

/* As deep as Postfix goes, and no deeper. */
static void test_deepest(void **state)
{
	char path[512];
	AUTO(queue_close) struct queue queue = {.dir = -1};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	snprintf(path, sizeof(path), "%s/deferred", rig.spool);
	for (unsigned n = 0; n < HASH_DEPTH_MAX + 2; n++) {
		strncat(path, "/A", sizeof(path) - strlen(path) - 1);
		rig_directory(&rig, path);
	}
	queue = open_queue(&rig);
	assert_int_equal(depths_of(&queue, QUEUE_DEFERRED), (1u << (HASH_DEPTH_MAX + 1)) - 1);
	rig_close(&rig);
}

static void test_links_and_files(void **state)
{
	char path[256];
	AUTO(queue_close) struct queue queue = {.dir = -1};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	snprintf(path, sizeof(path), "%s/deferred/A", rig.spool);
	assert_int_equal(symlink("/", path), 0);
	snprintf(path, sizeof(path), "%s/deferred/B", rig.spool);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700));
	queue = open_queue(&rig);
	assert_int_equal(depths_of(&queue, QUEUE_DEFERRED), 1);
	rig_close(&rig);
}

static void test_open(void **state)
{
	unsigned hint = 0, missing = 3;
	AUTO(queue_close) struct queue queue = {.dir = -1};
	struct queue_id deep, flat, gone;
	char path[256];
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig);
	deep = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	rig_sink(&rig, QUEUE_DEFERRED, 2, &deep);
	flat = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	gone = rig_mail(&rig, QUEUE_HOLD, ARRIVAL);
	rig_path(&rig, QUEUE_HOLD, &gone, path);
	unlink(path);
	queue = open_queue(&rig);
	fd = queue_open_file(&queue, &deep, &hint);
	assert_true(fd >= 0);
	assert_int_equal(queue.spots[hint].queue, QUEUE_DEFERRED);
	assert_int_equal(queue.spots[hint].depth, 2);
	close(fd);
	fd = queue_open_file(&queue, &flat, &hint);
	assert_true(fd >= 0);
	assert_int_equal(queue.spots[hint].depth, 0);
	close(fd);
	assert_int_equal(queue_open_file(&queue, &gone, &missing), -ENOENT);
	assert_int_equal(missing, 3);
	rig_close(&rig);
}

/* The settings that postsuper needs to find a file. */
static void test_hashing(void **state)
{
	static const struct {
		const char *name;
		unsigned hashed, main_depth;
		enum queue_name queue;
		unsigned depth, want, want_depth;
	} cases[] = {
	    {"as main.cf has it", QUEUE_DEFERRED, 1, QUEUE_DEFERRED, 1, QUEUE_DEFERRED, 1},
	    {"flat as main.cf has it", QUEUE_DEFERRED, 1, QUEUE_HOLD, 0, QUEUE_DEFERRED, 1},
	    {"main.cf deeper", QUEUE_DEFERRED, 2, QUEUE_DEFERRED, 1, QUEUE_DEFERRED, 1},
	    {"main.cf shallower", QUEUE_DEFERRED, 1, QUEUE_DEFERRED, 2, QUEUE_DEFERRED, 2},
	    {"not hashed any more", QUEUE_INCOMING, 1, QUEUE_DEFERRED, 1,
		QUEUE_INCOMING | QUEUE_DEFERRED, 1},
	    {"hashed now", QUEUE_DEFERRED | QUEUE_HOLD, 1, QUEUE_HOLD, 0, QUEUE_DEFERRED, 1},
	    {"all hashed, deeper", QUEUE_ALL, 2, QUEUE_HOLD, 1, QUEUE_HOLD, 1},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct postfix p = {
		    .hashed_queues = cases[n].hashed, .hash_depth = cases[n].main_depth};
		unsigned queues, depth;

		queue_hashing(&p, cases[n].queue, cases[n].depth, &queues, &depth);
		case_assert(cases[n].name, queues == cases[n].want);
		case_assert(cases[n].name, depth == cases[n].want_depth);
	}
}

/* A place is identified by device and inode, even if one queue is a mount of its own. */
static void test_place(void **state)
{
	uint64_t device[2], inode[2];
	struct rig rigs[2];

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		AUTO(queue_close) struct queue queue = {.dir = -1};

		rig_open(&rigs[n]);
		queue = open_queue(&rigs[n]);
		queue_place(&queue, &device[n], &inode[n]);
	}
	assert_true(device[0] == device[1]);
	assert_true(inode[0] != inode[1]);
	rig_close(&rigs[0]);
	rig_close(&rigs[1]);
}

UNIT_MAIN(cmocka_unit_test(test_depths), cmocka_unit_test(test_deepest),
    cmocka_unit_test(test_links_and_files), cmocka_unit_test(test_open),
    cmocka_unit_test(test_hashing), cmocka_unit_test(test_place))
