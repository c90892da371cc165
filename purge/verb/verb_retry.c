/* SPDX-License-Identifier: ISC */
/* pqpurge-idx retry. `postqueue -i` always exits 0, so each message is checked. It was retried if
 * it left deferred or the queue, or if flush(8) or qmgr(8) touched its file to set the time of the
 * next try. That time has whole seconds, so the change time is compared. */
#include "base/clock.h"
#include "base/io.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"
#include "purge/walk.h"

#define LOOK_TIME (10 * USEC_PER_SEC) /* for Postfix to begin the tries */
#define LOOK_MS   50

struct retry {
	struct item *item;
	struct timespec before; /* ctime in deferred */
};

struct retrying {
	struct walk *w;
	struct queue queue; /* as at the last look */
	struct retry *list; /* not yet seen to be retried */
	size_t count;
};

static void settle(struct walk *w, struct item *item, enum result result, const char *reason)
{
	uint64_t *results = w->outcome.tally.results;

	results[item->result]--;
	results[result]++;
	item->result = result;
	item->reason = reason;
}

struct place {
	unsigned depth; /* directories between deferred and the file */
	struct timespec changed;
};

static bool is_deferred(const struct retrying *r, const struct item *item, struct place *ret)
{
	struct queue_id id = candidate_id(item->candidate);
	struct stat st;

	for (unsigned i = 0; i < r->queue.count; i++) {
		const struct queue_spot *spot = &r->queue.spots[i];
		char path[QUEUE_PATH_MAX];

		queue_path(queue_word((enum queue_name)spot->queue), spot->depth, &id, path);
		if (spot->queue != QUEUE_DEFERRED ||
		    fstatat(r->queue.dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		*ret = (struct place){spot->depth, st.st_ctim};
		return true;
	}
	return false;
}

/* Once postqueue has failed, as while Postfix is down, it is not run again. */
static void try_one(struct retrying *r, struct item *item, struct err *trouble)
{
	struct queue_id id = candidate_id(item->candidate);
	const char *words[] = {"-i", id.text, NULL};
	struct place before;

	if (!is_deferred(r, item, &before))
		settle(r->w, item, RESULT_DONE, NULL);
	else if (trouble->text[0] ||
		 postfix_tool(&r->w->s->postfix, "postqueue", words, trouble) != 0)
		settle(r->w, item, RESULT_FAILED, "postqueue failed");
	else
		r->list[r->count++] = (struct retry){item, before.changed};
}

static void look(struct retrying *r)
{
	size_t left = 0;

	queue_look(&r->queue);
	for (size_t i = 0; i < r->count; i++) {
		const struct retry *one = &r->list[i];
		struct place now;

		if (is_deferred(r, one->item, &now) && now.changed.tv_sec == one->before.tv_sec &&
		    now.changed.tv_nsec == one->before.tv_nsec)
			r->list[left++] = *one;
		else
			settle(r->w, one->item, RESULT_DONE, NULL);
	}
	r->count = left;
}

/* postqueue and qmgr(8) look in the directory that main.cf's hashing implies. */
static const char *why_not_taken(const struct retrying *r, const struct item *item)
{
	const struct postfix *p = &r->w->s->postfix;
	unsigned usual = p->hashed_queues & QUEUE_DEFERRED ? p->hash_depth : 0;
	struct place place;

	if (is_deferred(r, item, &place) && place.depth != usual)
		return "hash_queue_depth or hash_queue_names changed, so Postfix looks for it "
		       "elsewhere; 'postfix reload' moves it";
	return "Postfix has not taken it up yet";
}

static void try_all(struct retrying *r)
{
	struct outcome *o = &r->w->outcome;

	queue_look(&r->queue);
	for (size_t i = 0; i < o->count; i++) {
		if (o->items[i].result != RESULT_READY)
			continue;
		if (interrupt_stop) {
			o->interrupted = true;
			settle(r->w, &o->items[i], RESULT_UNTOUCHED, NULL);
			continue;
		}
		progress_show(&r->w->progress, "retrying", i, o->count);
		try_one(r, &o->items[i], &o->trouble);
	}
	int64_t deadline = clock_steady() + LOOK_TIME;
	for (look(r); r->count > 0 && clock_steady() < deadline && !interrupt_stop; look(r))
		poll(NULL, 0, LOOK_MS);
	for (size_t i = 0; i < r->count; i++)
		settle(r->w, r->list[i].item, RESULT_FAILED, why_not_taken(r, r->list[i].item));
}

static bool may_begin(struct walk *w)
{
	uint64_t n = w->outcome.tally.results[RESULT_READY];
	struct summary summary = walk_summary(w);
	char question[64];

	if (n == 0 || !session_can_ask(w->s))
		return !interrupt_stop;
	summary_preview(stderr, &summary);
	snprintf(question, sizeof(question), "Retry %s %" PRIu64 " %s?", n == 1 ? "this" : "these",
	    n, PLURAL(n, "message"));
	return walk_ask(w, question, n);
}

/* If nothing matches, writes nothing to the account. */
static void act(struct retrying *r)
{
	struct walk *w = r->w;
	struct run *batch = NULL;

	if (w->outcome.tally.results[RESULT_READY] > 0)
		batch = order_batch_begin(&w->order, &w->outcome);
	try_all(r);
	w->outcome.accounted = true;
	order_batch_end(batch);
}

/* Before the question and in a dry run, since Postfix never retries it. */
static void leave_held(struct walk *w)
{
	struct outcome *o = &w->outcome;

	for (size_t i = 0; i < o->count; i++)
		if (o->items[i].result == RESULT_READY && o->items[i].proof.queue == QUEUE_HOLD)
			settle(w, &o->items[i], RESULT_FAILED,
			    "it is in the hold queue; 'release' moves it back");
}

static int retry(struct walk *w, struct err *err)
{
	struct retrying r = {.w = w};
	int code = queue_open(&w->s->postfix, &r.queue, err);

	if (code < 0)
		return code;
	r.list = calloc(w->outcome.count + 1, sizeof(*r.list));
	if (r.list && may_begin(w)) {
		act(&r);
	} else if (r.list) {
		w->outcome.refused = true;
		for (size_t i = 0; i < w->outcome.count; i++)
			if (w->outcome.items[i].result == RESULT_READY)
				settle(w, &w->outcome.items[i], RESULT_UNTOUCHED, NULL);
	}
	progress_end(&w->progress);
	queue_close(&r.queue);
	free(r.list);
	return r.list ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int verb_retry(struct session *s, struct err *err)
{
	AUTO(walk_release) struct walk w = {0};
	int code = session_check_all(s, err);

	if (code < 0)
		return code;
	walk_init(&w, s, ACTION_RETRY);
	interrupt_catch();
	code = walk_run(&w, err);
	if (code == 0)
		leave_held(&w);
	if (code == 0 && !s->options.dry_run)
		code = retry(&w, err);
	return code ?: walk_tell(&w, err);
}
