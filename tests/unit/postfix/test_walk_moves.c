/* SPDX-License-Identifier: ISC */
/* The walk of a queue in which messages move. The test replaces getdents64(): something moves
 * before a directory is read. */
#include "tests/unit/postfix/rig.h"

#include <dirent.h>
#include <sys/syscall.h>

#define ARRIVAL   INT64_C(1700000000123456)
#define MOVES_MAX 2
#define LONG_AGO  1700000000

struct move {
	const char *when; /* when this directory is about to be read */
	char from[256], to[256];
};

static struct plan {
	struct move moves[MOVES_MAX];
	unsigned moved, reads;
} * plan; /* shared with the child */

/* By its descriptor, relative to the spool. */
static void name_directory(int fd, char ret[256])
{
	char link[64], path[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	snprintf(ret, 256, "%s", strstr(path, "/spool/") + strlen("/spool/"));
}

ssize_t getdents64(int fd, void *buffer, size_t size)
{
	char directory[256];

	name_directory(fd, directory);
	for (; plan->moved < MOVES_MAX; plan->moved++) {
		const struct move *move = &plan->moves[plan->moved];

		if (!move->when || strcmp(move->when, directory) != 0)
			break;
		assert_int_equal(rename(move->from, move->to), 0);
	}
	plan->reads++;
	return syscall(SYS_getdents64, fd, buffer, size);
}

static void make_plan(void)
{
	plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(plan != MAP_FAILED);
}

static void path_in(
    const struct rig *rig, const char *directory, const struct queue_id *id, char path[256])
{
	snprintf(path, 256, "%s/%s/%s", rig->spool, directory, id->text);
}

static void make_old(const struct rig *rig, const char *directory)
{
	const struct timespec times[2] = {{.tv_sec = LONG_AGO}, {.tv_sec = LONG_AGO}};
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", rig->spool, directory);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void make_all_old(const struct rig *rig)
{
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		make_old(rig, queue_word(queue_at(n)));
}

/* The file's place, and its moves as these directories are read. "deferred/L" is the hash level of
 * its ID. */
static const struct {
	const char *name, *lies;
	struct {
		const char *when, *to;
	} moves[MOVES_MAX];
} cases[] = {
    {"tried again", "deferred", {{"deferred", "active"}}},
    {"tried again, by flush(8)", "deferred", {{"deferred", "incoming"}}},
    {"tried again, hashed", "deferred/L", {{"deferred/L", "active"}}},
    {"tried again, and back", "deferred/L", {{"deferred/L", "active"}, {"hold", "deferred/L"}}},
    {"released", "hold", {{"hold", "deferred/L"}}},
    {"requeued", "hold", {{"hold", "maildrop"}}},
    {"on its way", "incoming", {{"incoming", "active"}, {"active", "deferred/L"}}},
};

static void resolve(const char *directory, const struct queue_id *id, char ret[32])
{
	snprintf(ret, 32, "%s", directory);
	if (strchr(ret, 'L'))
		*strchr(ret, 'L') = id->text[0];
}

static void test_moves(void **state)
{
	(void)state;
	make_plan();
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		for (int known = 0; known <= 1; known++) {
			struct queue_id id;
			struct packed_id packed;
			char at[32], when[MOVES_MAX][32], path[256];
			struct rig rig;

			rig_open(&rig);
			id = rig_mail(&rig, QUEUE_MAILDROP, ARRIVAL);
			assert_int_equal(queue_id_pack(&id, &packed), 0);
			snprintf(path, sizeof(path), "%s/deferred/%c", rig.spool, id.text[0]);
			rig_directory(&rig, path);
			*plan = (struct plan){.moved = 0};
			path_in(&rig, "maildrop", &id, path);
			resolve(cases[n].lies, &id, at);
			path_in(&rig, at, &id, plan->moves[0].from);
			assert_int_equal(rename(path, plan->moves[0].from), 0);
			for (size_t m = 0; m < MOVES_MAX && cases[n].moves[m].when; m++) {
				struct move *move = &plan->moves[m];

				if (m > 0)
					memcpy(move->from, plan->moves[m - 1].to, 256);
				resolve(cases[n].moves[m].when, &id, when[m]);
				move->when = when[m];
				resolve(cases[n].moves[m].to, &id, at);
				path_in(&rig, at, &id, move->to);
			}
			make_all_old(&rig);
			struct walked w = rig_walk(&rig, &packed, (size_t)known);
			case_assert(cases[n].name, plan->moved == 1u + !!cases[n].moves[1].when);
			case_assert(cases[n].name, w.names == 1 && w.to_read_count == 1);
			case_assert(cases[n].name, w.nameless_count == 0);
			walked_release(&w);
			rig_close(&rig);
		}
	munmap(plan, sizeof(*plan));
}

/* Its hash level is made meanwhile. */
static void test_new_level(void **state)
{
	struct queue_id id;
	struct rig rig;
	char level[32];

	(void)state;
	make_plan();
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_HOLD, ARRIVAL);
	snprintf(plan->moves[0].from, 256, "%s/level", rig.directory);
	resolve("deferred/L", &id, level);
	snprintf(plan->moves[0].to, 256, "%s/%s", rig.spool, level);
	rig_directory(&rig, plan->moves[0].from);
	rig_own(&rig, rig.directory);
	plan->moves[0].when = plan->moves[1].when = "hold";
	path_in(&rig, "hold", &id, plan->moves[1].from);
	path_in(&rig, level, &id, plan->moves[1].to);
	make_all_old(&rig);
	struct walked w = rig_walk(&rig, NULL, 0);
	assert_int_equal(plan->moved, 2);
	assert_int_equal(w.to_read_count, 1);
	walked_release(&w);
	rig_close(&rig);
	munmap(plan, sizeof(*plan));
}

/* Each directory is read once if nothing changes in it. It takes two calls to read one to its
 * end. */
static void test_quiet(void **state)
{
	struct rig rig;
	char path[256];

	(void)state;
	make_plan();
	rig_open(&rig);
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		(void)rig_mail(&rig, queue_at(n), ARRIVAL);
	snprintf(path, sizeof(path), "%s/deferred/A", rig.spool);
	rig_directory(&rig, path);
	snprintf(path, sizeof(path), "%s/deferred/A/_", rig.spool);
	rig_directory(&rig, path);
	make_old(&rig, "deferred/A/_");
	make_old(&rig, "deferred/A");
	make_all_old(&rig);
	struct walked w = rig_walk(&rig, NULL, 0);
	assert_int_equal(w.names, QUEUE_COUNT);
	assert_int_equal(plan->reads, 2 * (QUEUE_COUNT + 2));
	walked_release(&w);
	rig_close(&rig);
	munmap(plan, sizeof(*plan));
}

/* An unreadable name is counted once, however often its directory is read. */
static void test_counts(void **state)
{
	struct queue_id id;
	struct rig rig;
	char path[256];

	(void)state;
	make_plan();
	rig_open(&rig);
	for (char level = 'A'; level <= 'C'; level++) {
		snprintf(path, sizeof(path), "%s/deferred/%c", rig.spool, level);
		rig_directory(&rig, path);
	}
	assert_int_equal(chmod(path, 0), 0);
	id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	path_in(&rig, "deferred", &id, plan->moves[0].from);
	path_in(&rig, id.text[0] == 'A' ? "deferred/B" : "deferred/A", &id, path);
	assert_int_equal(rename(plan->moves[0].from, path), 0);
	struct walked w = rig_walk(&rig, NULL, 0);
	assert_true(plan->reads > 2 * (QUEUE_COUNT + 2));
	assert_int_equal(w.unreadable_count, 2);
	assert_int_equal(strlist_of(&w.unreadable).count, 2);
	walked_release(&w);
	snprintf(path, sizeof(path), "%s/deferred/C", rig.spool);
	assert_int_equal(chmod(path, 0755), 0);
	rig_close(&rig);
	munmap(plan, sizeof(*plan));
}

UNIT_MAIN(cmocka_unit_test(test_moves), cmocka_unit_test(test_new_level),
    cmocka_unit_test(test_quiet), cmocka_unit_test(test_counts))
