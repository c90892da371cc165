/* SPDX-License-Identifier: ISC */
/* The names in queues: which are read, which are left to lstat; proofs of many use both. */
#include "tests/unit/postfix/rig.h"

#include "postfix/spool/looking.h"

#define ARRIVAL INT64_C(1700000000123456)
#define EARLY   (QUEUE_MAILDROP | QUEUE_INCOMING | QUEUE_ACTIVE)
#define MANY    200 /* enough for the names to be read */

static const struct message *same_at(void *arg, size_t n)
{
	(void)n;
	return arg;
}

static struct listing read_them(const struct rig *rig, size_t max)
{
	struct listing l = {0};
	int dir = open(rig->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	listing_read(&l, dir, EARLY, max);
	close(dir);
	return l;
}

static void test_names(void **state)
{
	struct queue_id here[3], late, nowhere;
	struct listing l;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	l = read_them(&rig, 0);
	assert_int_equal(l.queues, EARLY);
	assert_int_equal(l.names.count, 0);
	listing_release(&l);

	for (unsigned n = 0; n < COUNT_OF(here); n++)
		here[n] = rig_mail(&rig, queue_at(n), ARRIVAL);
	late = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	assert_int_equal(queue_id_parse("00001FFFFFF", 11, &nowhere), 0);
	l = read_them(&rig, COUNT_OF(here));
	assert_int_equal(l.queues, EARLY);
	for (unsigned n = 0; n < COUNT_OF(here); n++)
		case_assert(queue_word(queue_at(n)), listing_has(&l, &here[n]));
	assert_false(listing_has(&l, &late));
	assert_false(listing_has(&l, &nowhere));
	listing_release(&l);
	rig_close(&rig);
}

/* A queue that was not read completely does not count as read. */
static void test_left_out(void **state)
{
	struct listing l;
	struct rig rig;
	char path[128];

	(void)state;
	rig_open(&rig);
	for (int n = 0; n < 3; n++)
		(void)rig_mail(&rig, QUEUE_INCOMING, ARRIVAL);
	(void)rig_mail(&rig, QUEUE_ACTIVE, ARRIVAL);
	l = read_them(&rig, 2);
	assert_int_equal(l.queues, QUEUE_MAILDROP | QUEUE_ACTIVE);
	listing_release(&l);

	snprintf(path, sizeof(path), "%s/maildrop", rig.spool);
	assert_int_equal(rmdir(path), 0);
	l = read_them(&rig, 2);
	assert_int_equal(l.queues, QUEUE_ACTIVE);
	listing_release(&l);
	rig_close(&rig);
}

/* Hash directories are not read, so nothing is said of their files. */
static void test_depths(void **state)
{
	static const struct queue_spot flat = {QUEUE_INCOMING, 0}, deep = {QUEUE_INCOMING, 1},
				       other = {QUEUE_DEFERRED, 0};
	struct queue_id ids[2];
	struct listing l;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (unsigned n = 0; n < 2; n++)
		ids[n] = rig_mail(&rig, QUEUE_INCOMING, ARRIVAL);
	rig_sink(&rig, QUEUE_INCOMING, 1, &ids[1]);
	l = read_them(&rig, 10);
	assert_true(listing_knows(&l, &flat));
	assert_false(listing_knows(&l, &deep));
	assert_false(listing_knows(&l, &other));
	assert_true(listing_has(&l, &ids[0]));
	assert_false(listing_has(&l, &ids[1]));
	listing_release(&l);
	rig_close(&rig);
}

/* A directory that takes long to read is left out, whatever it contains. */
static void test_long_directory(void **state)
{
	char path[256];
	struct listing l;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int n = 0; n < 4000; n++) {
		int fd;

		snprintf(path, sizeof(path), "%s/incoming/%.*d", rig.spool, QUEUE_ID_MAX + 1, n);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	l = read_them(&rig, 10);
	assert_int_equal(l.queues, QUEUE_MAILDROP | QUEUE_ACTIVE);
	assert_int_equal(l.names.count, 0);
	listing_release(&l);
	rig_close(&rig);
}

/* Another message under the same name in an earlier queue: postsuper would take that one. */
static void prove_behind(const char *name, enum queue_name where, unsigned depth, unsigned crowd)
{
	struct queue_id id, other;
	char from[256], to[256];
	struct proof *proofs;
	struct err err = {{0}};
	struct message m;
	struct rig rig;

	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	other = rig_mail(&rig, where, ARRIVAL + 5000000);
	rig_path(&rig, where, &other, from);
	rig_path_at(&rig, where, depth, &id, to);
	assert_int_equal(rename(from, to), 0);
	for (unsigned n = 0; n < crowd; n++)
		(void)rig_mail(&rig, QUEUE_MAILDROP, ARRIVAL);
	rig_recorded(&m, &id, ARRIVAL);
	m.sender = "somebody@else.example";
	if (spool_prove(&rig.p, same_at, &m, MANY, &proofs, &err) < 0)
		case_fail(name, "%s", err.text);
	for (size_t n = 0; n < MANY; n++) {
		case_assert(name, proofs[n].state == PROOF_CHANGED);
		case_assert(name, proofs[n].queue == where);
		case_assert(name, proofs[n].depth == depth);
	}
	free(proofs);
	rig_close(&rig);
}

static void test_proofs_heed_them(void **state)
{
	static const struct {
		const char *name;
		enum queue_name where;
		unsigned depth, crowd;
	} cases[] = {
	    {"maildrop", QUEUE_MAILDROP, 0, 0},
	    {"incoming", QUEUE_INCOMING, 0, 0},
	    {"active", QUEUE_ACTIVE, 0, 0},
	    {"active, hashed", QUEUE_ACTIVE, 1, 0},
	    {"incoming, hashed twice", QUEUE_INCOMING, 2, 0},
	    {"active, behind a maildrop with too many names", QUEUE_ACTIVE, 0, MANY + 1},
	    {"maildrop with too many names", QUEUE_MAILDROP, 0, MANY + 1},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		prove_behind(cases[n].name, cases[n].where, cases[n].depth, cases[n].crowd);
}

UNIT_MAIN(cmocka_unit_test(test_names), cmocka_unit_test(test_left_out),
    cmocka_unit_test(test_depths), cmocka_unit_test(test_long_directory),
    cmocka_unit_test(test_proofs_heed_them))
