/* SPDX-License-Identifier: ISC */
/* The walk over a whole spool, compared with the known IDs. */
#include "tests/unit/postfix/rig.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"

#define ARRIVAL INT64_C(1700000000123456)

static struct packed_id pack(const struct queue_id *id, uint64_t flags)
{
	struct packed_id packed;

	assert_int_equal(queue_id_pack(id, &packed), 0);
	packed.time |= flags;
	return packed;
}

/* How the name is to be read; NULL: not at all. */
static const struct walk_name *find(const struct walked *w, const struct queue_id *id)
{
	const struct walk_name *found = NULL;

	for (size_t n = 0; n < w->to_read_count; n++)
		if (queue_id_equal(&w->to_read[n].queue_id, id)) {
			assert_null(found);
			found = &w->to_read[n];
		}
	return found;
}

static void link_into(
    const struct rig *rig, const char *from, const char *queue, const struct queue_id *id)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", rig->spool, queue, id->text);
	assert_int_equal(link(from, path), 0);
}

/* With nothing known, every name is to be read, each once, at any depth. */
static void test_unknown(void **state)
{
	static const char *const strangers[] = {"incoming/123456.789", "active/README",
	    "hold/.hidden", "deferred/lowercase", "deferred/0/x", "hold/A"};
	struct queue_id ids[QUEUE_COUNT + 3];
	enum queue_name last = 0;
	struct walked w;
	char path[256];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (unsigned n = 0; n < COUNT_OF(ids); n++) {
		enum queue_name queue = n < QUEUE_COUNT ? queue_at(n) : QUEUE_DEFERRED;

		ids[n] = rig_mail(&rig, queue, ARRIVAL);
		if (n >= QUEUE_COUNT)
			rig_sink(&rig, queue, n - QUEUE_COUNT + 1, &ids[n]);
	}
	rig_path(&rig, QUEUE_ACTIVE, &ids[2], path);
	link_into(&rig, path, "hold", &ids[2]); /* as a walk sees a message that moves on */
	for (size_t n = 0; n < COUNT_OF(strangers); n++)
		rig_touch(&rig, strangers[n]);
	w = rig_walk(&rig, NULL, 0);
	assert_int_equal(w.names, COUNT_OF(ids));
	assert_int_equal(w.to_read_count, COUNT_OF(ids));
	for (size_t n = 0; n < COUNT_OF(ids); n++) {
		const struct walk_name *name = find(&w, &ids[n]);

		case_assert(ids[n].text, name && !name->known);
	}
	for (size_t n = 0; n < COUNT_OF(ids); n++) { /* in flow order */
		enum queue_name queue = QUEUE_DEFERRED;

		for (unsigned at = 0; at < QUEUE_COUNT; at++)
			if (queue_id_equal(&ids[at], &w.to_read[n].queue_id))
				queue = queue_at(at);
		case_assert(w.to_read[n].queue_id.text, queue >= last);
		last = queue;
	}
	assert_int_equal(w.known_there, 0);
	assert_int_equal(w.nameless_count, 0);
	assert_int_equal(w.unreadable_count, 0);
	walked_release(&w);
	rig_close(&rig);
}

/* A known ID is to be read only if it was not read yet, or if another file has its name. */
static void test_known(void **state)
{
	enum { READ, UNREAD, OTHER_FILE, MOVED, GONE, GONE_UNREAD, COUNT };
	struct packed_id known[COUNT + 2];
	struct queue_id ids[COUNT], other, stranger;
	const struct walk_name *name;
	char from[256], to[256];
	struct err err = {{0}};
	struct walked w;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t n = 0; n < COUNT; n++) {
		ids[n] = rig_mail(&rig, QUEUE_HOLD, ARRIVAL);
		rig_path(&rig, QUEUE_HOLD, &ids[n], to);
		if (n >= GONE) {
			unlink(to);
		} else if (n >= OTHER_FILE) {
			other = rig_mail(&rig, QUEUE_INCOMING, ARRIVAL);
			rig_path(&rig, QUEUE_INCOMING, &other, from);
			assert_int_equal(rename(from, to), 0);
		}
	}
	stranger = rig_mail(&rig, QUEUE_INCOMING, ARRIVAL);
	known[0] = pack(&ids[GONE], WALK_READ); /* unordered */
	known[1] = pack(&ids[UNREAD], 0);
	known[2] = pack(&ids[MOVED], WALK_READ | WALK_MOVED);
	known[3] = pack(&ids[READ], WALK_READ);
	known[4] = pack(&ids[GONE], 0); /* twice */
	known[5] = pack(&ids[OTHER_FILE], WALK_READ);
	known[6] = pack(&ids[GONE_UNREAD], 0);
	known[7] = pack(&ids[READ], 0); /* twice */
	w = rig_walk(&rig, known, COUNT_OF(known));
	assert_int_equal(w.names, 5);
	assert_int_equal(w.known_there, 4);
	assert_int_equal(w.to_read_count, 3);
	name = find(&w, &ids[UNREAD]);
	assert_true(name && name->known);
	name = find(&w, &ids[OTHER_FILE]);
	assert_true(name && name->known);
	name = find(&w, &stranger);
	assert_true(name && !name->known && name == w.to_read);
	assert_int_equal(w.nameless_count, 2);
	assert_int_equal(w.nameless[0], 0);
	assert_int_equal(w.nameless[1], 6);
	walked_release(&w);
	assert_int_equal(spool_walk(&rig.p, known, COUNT_OF(known), true, &w, &err), 0);
	assert_int_equal(w.to_read_count, 5);
	assert_int_equal(w.known_there, 4);
	walked_release(&w);
	rig_close(&rig);
}

/* More than fit into the first table, of both kinds. */
static void test_many(void **state)
{
	enum { KNOWN = 9000, NAMES = 7000 };
	struct packed_id *known = calloc(KNOWN, sizeof(*known));
	struct walked w;
	struct rig rig;

	(void)state;
	assert_non_null(known);
	rig_open(&rig);
	for (unsigned n = 0; n < NAMES; n++) {
		char name[64];

		snprintf(name, sizeof(name), "deferred/%05XABC", n);
		rig_touch(&rig, name);
	}
	for (unsigned n = 0; n < KNOWN; n++) {
		struct queue_id id;
		char text[32];

		snprintf(text, sizeof(text), "%05XABC", n + 3000);
		assert_int_equal(queue_id_parse(text, strlen(text), &id), 0);
		known[n] = pack(&id, WALK_READ | WALK_MOVED);
	}
	w = rig_walk(&rig, known, KNOWN);
	assert_int_equal(w.names, NAMES);
	assert_int_equal(w.known_there, NAMES - 3000);
	assert_int_equal(w.to_read_count, 3000);
	assert_int_equal(w.nameless_count, KNOWN - (NAMES - 3000));
	assert_int_equal(w.nameless[0], NAMES - 3000);
	walked_release(&w);
	free(known);
	rig_close(&rig);
}

static void test_too_many_known(void **state)
{
	struct packed_id one = {0};
	struct walked w;
	struct err err = {{0}};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(spool_walk(&rig.p, &one, WALK_KNOWN_MAX + 1, false, &w, &err), ERR_LIMIT);
	rig_close(&rig);
}

/* ---- beside a queue that moves */

#define MOVING 200

static void place(const struct rig *rig, const struct queue_id *id, unsigned at, char path[256])
{
	static const struct queue_spot spots[] = {
	    {QUEUE_DEFERRED, 1}, {QUEUE_HOLD, 0}, {QUEUE_DEFERRED, 2}, {QUEUE_ACTIVE, 0}};

	rig_path_at(rig, spots[at % 4].queue, spots[at % 4].depth, id, path);
}

/* Holds, releases, and moves to other depths, again and again, until it is killed. */
static void __attribute__((noreturn))
move_for_ever(const struct rig *rig, const struct queue_id *ids)
{
	char from[256], to[256];

	for (unsigned at = 0;; at++)
		for (size_t n = 0; n < MOVING; n++) {
			place(rig, &ids[n], at, from);
			place(rig, &ids[n], at + 1, to);
			if (rename(from, to) < 0)
				_exit(1);
		}
}

/* The direct look finds what a walk missed: mail that waits is never called gone. */
static void test_moving(void **state)
{
	struct queue_id ids[MOVING], missed[MOVING];
	struct packed_id known[MOVING];
	char from[256], to[256];
	struct rig rig;
	pid_t mover;

	(void)state;
	rig_open(&rig);
	for (size_t n = 0; n < MOVING; n++) {
		ids[n] = rig_mail(&rig, QUEUE_ACTIVE, ARRIVAL);
		known[n] = pack(&ids[n], WALK_READ);
		rig_path(&rig, QUEUE_ACTIVE, &ids[n], from);
		place(&rig, &ids[n], 0, to);
		assert_int_equal(rename(from, to), 0);
	}
	mover = fork();
	if (mover == 0)
		move_for_ever(&rig, ids);
	for (int round = 0; round < 60; round++) {
		struct walked w = rig_walk(&rig, known, MOVING);
		struct proof *states;
		struct err err = {{0}};

		case_assert("moving", w.known_there + w.nameless_count == MOVING);
		case_assert("moving", w.names == w.known_there);
		for (size_t n = 0; n < w.nameless_count; n++)
			missed[n] = ids[w.nameless[n]];
		assert_int_equal(spool_states(&rig.p, missed, w.nameless_count, &states, &err), 0);
		for (size_t n = 0; n < w.nameless_count; n++)
			if (states[n].state != PROOF_SAME)
				case_fail(missed[n].text, "state %d", states[n].state);
		free(states);
		walked_release(&w);
	}
	assert_int_equal(kill(mover, SIGKILL), 0);
	assert_int_equal(waitpid(mover, NULL, 0), mover);
	rig_close(&rig);
}

/* ---- a child that was taken over */

static int parse(const void *at, size_t len, size_t known_count)
{
	struct blob blob = {.at = at, .len = len};
	struct walked w;
	int code = walked_parse(&w, &blob, known_count);

	if (code == 0)
		walked_release(&w);
	return code;
}

static void test_lies(void **state)
{
	/* As laid out by walk.c: 7 numbers, then the lists. */
	enum { KNOWN_THERE = 3, TO_READ, NAMELESS, UNREADABLE, NUMBERS };
	static const struct {
		const char *name;
		uint64_t known_there, to_read, nameless, unreadable;
		const char *rest;
		size_t len;
		int code;
	} cases[] = {
	    {"nothing", 0, 0, 0, 0, "", 0, 0},
	    {"a nameless one", 0, 0, 1, 0, "\2\0\0\0", 4, 0},
	    {"a text", 0, 0, 0, 1, "x: y", 5, 0},
	    {"beyond what is known", 0, 0, 1, 0, "\3\0\0\0", 4, ERR_CHILD},
	    {"twice", 0, 0, 2, 0, "\1\0\0\0\1\0\0\0", 8, ERR_CHILD},
	    {"more there than known", 4, 0, 0, 0, "", 0, ERR_CHILD},
	    {"more in all than known", 3, 0, 1, 0, "\1\0\0\0", 4, ERR_CHILD},
	    {"too short", 0, 0, 2, 0, "\1\0\0\0", 4, ERR_CHILD},
	    {"too long", 0, 0, 0, 0, "x", 1, ERR_CHILD},
	    {"a text without an end", 0, 0, 0, 1, "x: y", 4, ERR_CHILD},
	    {"endless", 0, UINT64_MAX, 0, 0, "", 0, ERR_CHILD},
	    {"endless by overflow", 0, UINT64_MAX / 16 + 1, 0, 0, "", 0, ERR_CHILD},
	    {"no queue ID", 0, 1, 0, 0, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, ERR_CHILD},
	    {"a queue ID", 0, 1, 0, 0, "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16, 0},
	    {"a known queue ID", 0, 1, 0, 0, "\1\0\0\0\0\0\0\200\1\0\0\0\0\0\0\0", 16, 0},
	    {"half a queue ID", 0, 1, 0, 0, "\1\0\0\0\0\0\0\0", 8, ERR_CHILD},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		uint64_t all[NUMBERS + 8] = {0};

		all[KNOWN_THERE] = cases[n].known_there;
		all[TO_READ] = cases[n].to_read;
		all[NAMELESS] = cases[n].nameless;
		all[UNREADABLE] = cases[n].unreadable;
		memcpy(&all[NUMBERS], cases[n].rest, cases[n].len);
		if (parse(all, NUMBERS * 8 + cases[n].len, 3) != cases[n].code)
			case_fail(
			    cases[n].name, "got %d", parse(all, NUMBERS * 8 + cases[n].len, 3));
	}
	assert_int_equal(parse("short", 5, 3), ERR_CHILD);
}

/* ^C ends it. */
static void test_stop(void **state)
{
	static volatile sig_atomic_t stop = 1;
	struct walked w;
	struct err err = {{0}};
	struct rig rig;
	int code;

	(void)state;
	rig_open(&rig);
	rig.p.stop = &stop;
	code = spool_walk(&rig.p, NULL, 0, false, &w, &err);
	if (code == 0) /* it was faster */
		walked_release(&w);
	else
		assert_int_equal(code, ERR_STOPPED);
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_unknown), cmocka_unit_test(test_known), cmocka_unit_test(test_many),
    cmocka_unit_test(test_too_many_known), cmocka_unit_test(test_moving),
    cmocka_unit_test(test_lies), cmocka_unit_test(test_stop))
