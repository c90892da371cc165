/* SPDX-License-Identifier: ISC */
/* postsuper on a queue whose layout is not main.cf's. */
#include "tests/unit/postfix/rig.h"

#include <signal.h>

#include "base/clock.h"

static struct postsuper_job job;

/* ---- Postfix's own postsuper, on a private spool */

#define REAL "/usr/sbin/postsuper"

static bool no_postsuper(void)
{
	struct role role;

	return geteuid() != 0 || access(REAL, X_OK) < 0 || role_of_user("postfix", &role, NULL) < 0;
}

static int own_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return chown(path, 0, 0);
}

/* A spool as Postfix makes it, and a main.cf. */
static void open_real(struct rig *rig, const char *hash_queue_names, unsigned hash_queue_depth)
{
	static char command_directory[] = "/usr/sbin";
	char path[256];
	FILE *file;

	rig_open(rig);
	assert_int_equal(nftw(rig->directory, own_one, 16, FTW_PHYS), 0);
	assert_int_equal(role_of_user("postfix", &rig->p.owner, NULL), 0);
	snprintf(path, sizeof(path), "%s/main.cf", rig->directory);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file,
	    "compatibility_level = 3.6\nqueue_directory = %s\nmyhostname = mx.test\n"
	    "mail_owner = postfix\ninet_interfaces = 127.0.0.1\nmaillog_file_prefixes = /tmp\n"
	    "multi_instance_directories = /nonexistent\nhash_queue_names = %s\n"
	    "hash_queue_depth = %u\n",
	    rig->spool, hash_queue_names, hash_queue_depth);
	fclose(file);
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		snprintf(path, sizeof(path), "%s/%s", rig->spool, queue_word(queue_at(n)));
		rig_own(rig, path);
	}
	snprintf(path, sizeof(path), "%s/defer", rig->spool);
	rig_own(rig, path);
	rig->p.command_directory = command_directory;
}

/* Runs it on one ID, with hash settings that fit the message's place. */
static bool act(const struct rig *rig, enum postsuper_action action, const struct queue_id *id,
    const struct queue_spot *spot, const char *name)
{
	struct postfix p, other = {0};
	struct err err = {{0}};
	unsigned queues, depth;
	bool said;

	if (postfix_read(rig->directory, &p, &err) < 0)
		case_fail(name, "%s", err.text);
	queue_hashing(&p, spot->queue, spot->depth, &queues, &depth);
	if ((queues != p.hashed_queues || depth != p.hash_depth) &&
	    postfix_with_layout(&p, queues, depth, &other, &err) < 0)
		case_fail(name, "%s", err.text);
	if (postsuper_start(&job, other.config_directory ? &other : &p, action,
		action == POSTSUPER_DELETE ? spot->queue : 0, id, 1, &err) < 0)
		case_fail(name, "%s", err.text);
	rig_await(&job);
	said = job.said[0];
	if (job.exit_status != 0 || job.complaint.len > 0)
		case_fail(name, "%d, %s", job.exit_status, strbuf_text(&job.complaint));
	postsuper_release(&job);
	postfix_release(&other);
	postfix_release(&p);
	return said;
}

/* Whatever main.cf says, postsuper finds the file in its place, and removes its log. */
static void test_every_layout(void **state)
{
	static const struct {
		const char *name, *hash_queue_names;
		unsigned hash_queue_depth;
		enum queue_name queue;
		unsigned depth, log_depth;
		enum postsuper_action action;
		enum queue_name then; /* 0: deleted */
	} cases[] = {
	    {"as main.cf has it", "deferred, defer", 1, QUEUE_DEFERRED, 1, 1, POSTSUPER_DELETE, 0},
	    {"main.cf became deeper", "deferred, defer", 2, QUEUE_DEFERRED, 1, 1, POSTSUPER_DELETE,
		0},
	    {"main.cf became shallower", "deferred, defer", 1, QUEUE_DEFERRED, 2, 2,
		POSTSUPER_DELETE, 0},
	    {"not hashed any more", "incoming", 1, QUEUE_DEFERRED, 1, 1, POSTSUPER_DELETE, 0},
	    {"hashed now", "hold deferred defer", 1, QUEUE_DEFERRED, 0, 0, POSTSUPER_DELETE, 0},
	    {"held", "deferred, defer", 2, QUEUE_DEFERRED, 1, 1, POSTSUPER_HOLD, QUEUE_HOLD},
	    {"released", "deferred, hold", 3, QUEUE_HOLD, 1, 0, POSTSUPER_RELEASE, QUEUE_DEFERRED},
	    {"requeued", "incoming", 1, QUEUE_DEFERRED, 2, 1, POSTSUPER_REQUEUE, QUEUE_MAILDROP},
	};

	(void)state;
	if (no_postsuper())
		skip();
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct queue_spot spot = {(uint8_t)cases[n].queue, (uint8_t)cases[n].depth};
		char log[256], relative[QUEUE_PATH_MAX], level[256];
		struct queue_id id, other;
		struct proof *states;
		struct err err = {{0}};
		struct rig rig;

		open_real(&rig, cases[n].hash_queue_names, cases[n].hash_queue_depth);
		id = rig_mail(&rig, cases[n].queue, INT64_C(1700000000000000));
		other = rig_mail(&rig, cases[n].queue, INT64_C(1700000000000000));
		rig_sink(&rig, cases[n].queue, cases[n].depth, &id);
		rig_sink(&rig, cases[n].queue, cases[n].depth, &other);
		queue_path("defer", cases[n].log_depth, &id, relative);
		for (unsigned at = 1; at <= cases[n].log_depth; at++) {
			snprintf(level, sizeof(level), "%s/%.*s", rig.spool,
			    (int)(strlen("defer") + 2 * at), relative);
			rig_directory(&rig, level);
		}
		snprintf(log, sizeof(log), "%s/%s", rig.spool, relative);
		close(open(log, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		case_assert(cases[n].name, act(&rig, cases[n].action, &id, &spot, cases[n].name));
		case_assert(cases[n].name, spool_states(&rig.p, &id, 1, &states, &err) == 0);
		case_assert(cases[n].name, states[0].queue == cases[n].then);
		case_assert(cases[n].name, (access(log, F_OK) == 0) == (cases[n].then != 0));
		free(states);
		case_assert(cases[n].name, spool_states(&rig.p, &other, 1, &states, &err) == 0);
		case_assert(cases[n].name, states[0].queue == cases[n].queue);
		free(states);
		rig_close(&rig);
	}
}

UNIT_MAIN(cmocka_unit_test(test_every_layout))
