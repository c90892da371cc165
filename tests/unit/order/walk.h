/* SPDX-License-Identifier: ISC */
/*
 * The walk from the index to postsuper and back, with the test's own spool, index, account and
 * postsuper.
 */
#ifndef PQPURGE_TESTS_WALK_H
#define PQPURGE_TESTS_WALK_H

#include "tests/unit/postfix/rig.h"

#include <poll.h>

#include "base/clock.h"
#include "order/order_private.h"

#define ARRIVAL INT64_C(1700000000000000)
#define MAILS   8

struct walk {
	struct rig rig;
	char index[80], state[80];
	struct settings settings;
	struct selector selector;
	struct order order;
	struct outcome outcome;
	struct queue_id ids[MAILS]; /* as queued, oldest first */
	struct err err;
};

/* Leaves a file as master(8) does: Postfix ran here. */
static inline void leave_trace(const struct walk *w)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/pid", w->rig.spool);
	rig_directory(&w->rig, path);
	snprintf(path, sizeof(path), "%s/pid/master.pid", w->rig.spool);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	close(fd);
}

/* The parameters that are asked of postconf(1). */
static inline void write_main_cf(const struct walk *w)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/main.cf", w->rig.directory);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file,
	    "compatibility_level = 3.6\nqueue_directory = %s\ncommand_directory = %s\n"
	    "maximal_queue_lifetime = 5d\n",
	    w->rig.spool, w->rig.bin);
	fclose(file);
}

static inline void open_walk(struct walk *w, enum action action)
{
	*w = (struct walk){.rig = {.count = 0}};
	rig_open(&w->rig);
	w->rig.p.myhostname = w->rig.p.myorigin = (char *)"host.example";
	w->rig.p.mydestination = (char *)"";
	w->rig.p.mail_owner = w->rig.p.owner.name;
	snprintf(w->index, sizeof(w->index), "%s/index", w->rig.directory);
	snprintf(w->state, sizeof(w->state), "%s/state", w->rig.directory);
	rig_directory(&w->rig, w->index);
	rig_directory(&w->rig, w->state);
	leave_trace(w);
	write_main_cf(w);
	w->settings = (struct settings){.index_directory = w->index,
	    .state_directory = w->state,
	    .index_map_size = INT64_C(64) << 20,
	    .max_recipients = 100,
	    .postsuper_jobs = 2};
	selector_init(&w->selector);
	w->order = (struct order){.settings = &w->settings,
	    .postfix = &w->rig.p,
	    .selector = &w->selector,
	    .action = action,
	    .verb = action == ACTION_HOLD      ? "hold"
		    : action == ACTION_RELEASE ? "release"
					       : "purge",
	    .selector_text = "bad.example",
	    .command_line = "purge bad.example"};
	rig_postsuper(&w->rig, "honest");
}

static inline void close_walk(struct walk *w)
{
	outcome_release(&w->outcome);
	selector_release(&w->selector);
	rig_close(&w->rig);
}

/* ---- the index, as the daemon fills it */

struct recording {
	const struct walk *w;
	const struct message *list;
	size_t count;
};

/* The catch-up beside a pass may hold the index for a moment. */
static inline int open_in_turn(const struct walk *w, struct index **ret, struct err *err)
{
	int64_t deadline = clock_steady() + ROLE_TIME / 2;
	int code;

	while ((code = index_open(w->index, w->settings.index_map_size, ret, NULL, err)) ==
		   ERR_LOCKED &&
	       clock_steady() < deadline)
		(void)poll(NULL, 0, 20);
	return code;
}

static inline int record_in_child(void *arg, struct bytes *out, struct err *err)
{
	const struct recording *r = arg;
	struct index *ix = NULL;
	int code = open_in_turn(r->w, &ix, err);

	(void)out;
	for (size_t n = 0; code == 0 && n < r->count; n++)
		code = index_record(ix, &r->list[n], err);
	index_close(ix);
	return code;
}

static inline void record_all(struct walk *w, const struct message *list, size_t count)
{
	struct recording r = {w, list, count};
	struct blob blob = {0};

	if (role_ask(&w->rig.p.owner, NULL, ROLE_TIME, record_in_child, &r, &blob, &w->err) < 0)
		fail_msg("%s", w->err.text);
	blob_release(&blob);
}

static inline void record(struct walk *w, const struct message *m)
{
	record_all(w, m, 1);
}

/* As the next command sees them. */
static inline uint64_t count_rows(struct walk *w)
{
	struct index_client index = {.settings = &w->settings};
	struct index_counts counts;
	struct err err;

	client_await(w->outcome.drop);
	w->outcome.drop = NULL;
	if (client_count(&index, &counts, &err) < 0)
		fail_msg("%s", err.text);
	return counts.rows;
}

/* A message in the queue and in the index, n seconds younger than the first. */
static inline struct queue_id add(struct walk *w, enum queue_name queue, int n)
{
	int64_t arrival = ARRIVAL + n * INT64_C(1000000);
	struct queue_id id = rig_mail(&w->rig, queue, arrival);
	struct message m;

	rig_recorded(&m, &id, arrival);
	record(w, &m);
	return id;
}

static inline void fill(struct walk *w, enum queue_name queue)
{
	struct message list[MAILS];

	for (int n = 0; n < MAILS; n++) {
		int64_t arrival = ARRIVAL + n * INT64_C(1000000);

		w->ids[n] = rig_mail(&w->rig, queue, arrival);
		rig_recorded(&list[n], &w->ids[n], arrival);
	}
	record_all(w, list, MAILS);
}

/* ---- the order */

static inline void ask_for(struct walk *w, struct pattern_set *set, const char *text)
{
	struct pattern pattern;

	assert_int_equal(pattern_parse(text, &pattern, &w->err), 0);
	assert_int_equal(pattern_set_add(set, &pattern), 0);
	selector_seal(&w->selector);
}

static inline void run(struct walk *w)
{
	outcome_release(&w->outcome);
	w->err = (struct err){{0}};
	if (order_run(&w->order, &w->outcome, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

static inline void run_domain(struct walk *w)
{
	ask_for(w, &w->selector.author, "bad.example");
	run(w);
}

/* A catch-up alone: reads all files, and the index adopts this directory. */
static inline struct caught sync_of(struct walk *w, bool dry_run)
{
	const struct catchup_task task = {
	    .settings = &w->settings, .postfix = &w->rig.p, .dry_run = dry_run};
	struct caught caught = {0};

	if (sync_run(&task, &caught, &w->err) < 0)
		fail_msg("%s", w->err.text);
	return caught;
}

static inline void catch_up(struct walk *w)
{
	struct caught caught = sync_of(w, false);

	caught_release(&caught);
}

static inline bool lies_in(const struct walk *w, enum queue_name queue, const struct queue_id *id)
{
	char path[256];

	rig_path(&w->rig, queue, id, path);
	return access(path, F_OK) == 0;
}

static inline void remove_file(
    const struct walk *w, enum queue_name queue, const struct queue_id *id)
{
	char path[256];

	rig_path(&w->rig, queue, id, path);
	assert_int_equal(unlink(path), 0);
}

static inline uint64_t results(const struct walk *w, enum result result)
{
	return w->outcome.tally.results[result];
}

static inline void check_results(
    const struct walk *w, const char *name, uint64_t done, uint64_t gone, uint64_t failed)
{
	const uint64_t *got = w->outcome.tally.results;

	if (got[RESULT_DONE] != done || got[RESULT_GONE] != gone || got[RESULT_FAILED] != failed)
		case_fail(name, "done %d gone %d failed %d", (int)got[RESULT_DONE],
		    (int)got[RESULT_GONE], (int)got[RESULT_FAILED]);
}

/* The newest batch of the account; release the list. */
static inline const struct batch *newest(struct walk *w, struct batches *ret)
{
	if (account_list(&w->settings, &w->rig.p, ret, &w->err) < 0)
		fail_msg("%s", w->err.text);
	assert_true(ret->count > 0);
	return &ret->list[0];
}

#endif
