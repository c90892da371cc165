/* SPDX-License-Identifier: ISC */
/* The walk from the index to postsuper and back, on a spool, an index and a postsuper of our own.
 */
#ifndef PQPURGE_TESTS_WALK_H
#define PQPURGE_TESTS_WALK_H

#include "tests/unit/postfix/rig.h"

#include "index/home.h"
#include "order/order.h"

#define ARRIVAL INT64_C(1700000000000000)
#define MAILS   8

struct walk {
	struct rig rig;
	char index[64];
	struct settings settings;
	struct selector selector;
	struct order order;
	struct outcome outcome;
	struct queue_id ids[MAILS]; /* as queued, oldest first */
	struct err err;
};

static inline int make_index(void *arg, struct bytes *out, struct err *err)
{
	struct home home;
	int code = home_open(arg, INT64_C(64) << 20, false, &home, err);

	(void)out;
	if (code == 0)
		home_close(&home);
	return code;
}

static inline void open_walk(struct walk *w, enum action action)
{
	struct blob blob = {0};

	*w = (struct walk){.index = "/tmp/pqpurge-order.XXXXXX"};
	rig_open(&w->rig);
	assert_non_null(mkdtemp(w->index));
	rig_own(&w->rig, w->index);
	if (role_collect(&w->rig.p.owner, make_index, w->index, &blob, &w->err) < 0)
		fail_msg("%s", w->err.text);
	blob_release(&blob);
	w->settings = (struct settings){.index_directory = w->index, .postsuper_jobs = 2};
	selector_init(&w->selector);
	w->order = (struct order){.settings = &w->settings,
	    .postfix = &w->rig.p,
	    .selector = &w->selector,
	    .action = action,
	    .verb = "purge",
	    .command_line = "purge bad.example"};
	rig_postsuper(&w->rig, "honest");
}

static inline void close_walk(struct walk *w)
{
	outcome_release(&w->outcome);
	selector_release(&w->selector);
	rig_close(&w->rig);
	nftw(w->index, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Records messages in the index, as the daemon would have. */
static inline void record_all(struct walk *w, const struct message *list, size_t count)
{
	struct client_answer answer = {0};
	struct bytes *rows = calloc(count, sizeof(*rows)), request = {0};
	struct span *spans = calloc(count, sizeof(*spans)), span;

	assert_true(rows && spans);
	for (size_t n = 0; n < count; n++) {
		record_encode(&list[n], &rows[n]);
		spans[n] = bytes_span(&rows[n]);
	}
	request_add(&request, spans, count);
	span = bytes_span(&request);
	if (client_send(w->index, &span, 1, 10000000, &answer, &w->err) < 0 || answer.code < 0)
		fail_msg("%s%s", w->err.text, strbuf_text(&answer.text));
	client_answer_release(&answer);
	bytes_release(&request);
	for (size_t n = 0; n < count; n++)
		bytes_release(&rows[n]);
	free(rows);
	free(spans);
}

static inline void record(struct walk *w, const struct message *m)
{
	record_all(w, m, 1);
}

/* A message in queue and in the index, n seconds younger than the first. */
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
	for (int n = 0; n < MAILS; n++)
		w->ids[n] = add(w, queue, n);
}

static inline void select_domain(struct walk *w)
{
	struct pattern pattern;

	assert_int_equal(pattern_parse("bad.example", &pattern, &w->err), 0);
	assert_int_equal(pattern_set_add(&w->selector.author, &pattern), 0);
	selector_seal(&w->selector);
	if (order_select(&w->order, &w->outcome, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

static inline void act(struct walk *w)
{
	if (order_act(&w->order, &w->outcome, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

static inline bool lies_in(const struct walk *w, enum queue_name queue, const struct queue_id *id)
{
	char path[256];

	rig_path(&w->rig, queue, id, path);
	return access(path, F_OK) == 0;
}

static inline uint64_t results(const struct walk *w, enum result result)
{
	return w->outcome.tally.results[result];
}

#endif
