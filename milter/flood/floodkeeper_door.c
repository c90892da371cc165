/* SPDX-License-Identifier: ISC */
/* The thread that orders root, through the order door, to hold earlier mail and to run the hook. */
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "milter/flood/floodkeeper_private.h"

#define FIELDS 24

void flood_order(struct floodkeeper *k, const struct flood_job *job)
{
	pthread_mutex_lock(&k->queue);
	bool room = k->count < FLOOD_JOBS;
	if (room) {
		k->jobs[(k->first + k->count++) % FLOOD_JOBS] = *job;
		pthread_cond_signal(&k->ready);
	}
	pthread_mutex_unlock(&k->queue);
	if (!room)
		log_warning("flood %u: %d orders wait for the order door; this one is left out",
		    job->incident.id, FLOOD_JOBS);
}

struct fields {
	struct door_field list[FIELDS];
	size_t count;
	struct strbuf clients, ids, commands;
};

static void text(struct fields *f, const char *name, const char *value)
{
	f->list[f->count++] = (struct door_field){.name = name, .kind = DOOR_TEXT, .text = value};
}

static void number(struct fields *f, const char *name, int64_t value)
{
	f->list[f->count++] =
	    (struct door_field){.name = name, .kind = DOOR_NUMBER, .number = value};
}

static void list(struct fields *f, const char *name, const struct strbuf *packed)
{
	f->list[f->count++] = (struct door_field){.name = name, .kind = DOOR_LIST, .list = *packed};
}

static void fill_commands(struct fields *f, const struct flood_incident *i)
{
	static const char *const verbs[] = {"floods", "list --flood", "hold --flood",
	    "purge --flood", "floods --normal", "floods --bad"};
	char word[64];

	for (size_t n = 0; n < COUNT_OF(verbs); n++) {
		snprintf(word, sizeof(word), "pqpurge-idx %s %u", verbs[n], i->id);
		strlist_push(&f->commands, word, strlen(word));
	}
}

static void fill(struct fields *f, const struct flood_incident *i, const char *key)
{
	flood_samples(i, &f->clients, &f->ids);
	fill_commands(f, i);
	number(f, "id", i->id);
	text(f, "kind", flood_kind_word(i->kind));
	text(f, "key", key);
	text(f, "signal", flood_signal_word(i->signal));
	number(f, "window", i->window / USEC_PER_SEC);
	number(f, "since", i->since / USEC_PER_SEC);
	if (i->until)
		number(f, "until", i->until / USEC_PER_SEC);
	number(f, "recipients", (int64_t)i->recipients);
	number(f, "messages", (int64_t)i->messages);
	number(f, "limit", i->limit);
	number(f, "usual", i->usual);
	number(f, "networks", i->networks);
	number(f, "senders", i->senders);
	number(f, "undelivered", i->undelivered);
	list(f, "clients", &f->clients);
	list(f, "queue_ids", &f->ids);
	text(f, "action", flood_action_word(i));
	number(f, "expires", i->expires / USEC_PER_SEC);
	number(f, "held", (int64_t)i->held);
	list(f, "commands", &f->commands);
}

static int call(
    const struct floodkeeper *k, const struct door_order *order, uint32_t id, struct door_end *end)
{
	struct err err = {{0}};
	int code = door_call(k->settings->order_directory, DOOR_DAEMON_SOCKET, order, 1, NULL,
	    clock_steady() + DOOR_CALL_TIME, end, &err);

	if (code)
		log_warning(
		    "flood %u: the order door: %s", id, err.text[0] ? err.text : err_word(code));
	else if (end->status != 0)
		log_warning(
		    "flood %u: the order door says: %s", id, end->words[0] ? end->words : "failed");
	return code ? code : end->status;
}

static void run_hook(const struct floodkeeper *k, const struct flood_job *job)
{
	struct fields f = {.count = 0};
	char key[FLOOD_KEY_MAX + 1];
	struct door_end end = {0};

	fill(&f, &job->incident, str_scrub(key, sizeof(key), job->incident.key));
	const struct door_order order = {
	    .kind = DOOR_HOOK, .hook = {.event = job->event, .fields = f.list, .count = f.count}};
	(void)call(k, &order, job->incident.id, &end);
	strbuf_release(&f.clients);
	strbuf_release(&f.ids);
	strbuf_release(&f.commands);
}

static void run_hold(struct floodkeeper *k, const struct flood_job *job)
{
	static const enum door_key keys[FLOOD_KINDS] = {[FLOOD_LOGIN] = DOOR_LOGIN,
	    [FLOOD_LOCAL] = DOOR_LOCAL,
	    [FLOOD_SENDER] = DOOR_SENDER,
	    [FLOOD_CLIENT] = DOOR_CLIENT,
	    [FLOOD_DOMAIN] = DOOR_DOMAIN,
	    [FLOOD_XDOMAIN] = DOOR_DOMAIN};
	const struct flood_incident *i = &job->incident;
	bool address = i->kind == FLOOD_LOCAL || i->kind == FLOOD_SENDER;
	char token[32], reason[64], quoted[FLOOD_KEY_MAX + 16];
	struct door_end end = {0};

	flood_rule_pattern(i, quoted, sizeof(quoted));
	snprintf(token, sizeof(token), "flood:%u", i->id);
	snprintf(reason, sizeof(reason), "flood %u", i->id);
	struct door_order order = {.kind = DOOR_HOLD,
	    .hold = {.key = keys[i->kind],
		.value = address ? quoted : i->key,
		.since = i->window,
		.until = job->until,
		.most = DOOR_HOLD_MAX,
		.token = token,
		.reason = reason}};
	if (order.hold.until - order.hold.since > DOOR_WINDOW_MAX)
		order.hold.since = order.hold.until - DOOR_WINDOW_MAX;
	if (call(k, &order, i->id, &end) != 0)
		return;
	log_info("flood %u: held %llu messages that came before (batch %llu)", i->id,
	    (unsigned long long)end.done, (unsigned long long)end.batch);
	LOCKED(&k->lock);
	struct flood_incident *now = flood_find(k->flood, i->id);
	if (now)
		now->held += end.done;
	k->changes++;
}

static bool next_job(struct floodkeeper *k, struct flood_job *ret)
{
	pthread_mutex_lock(&k->queue);
	while (!k->stop && k->count == 0)
		pthread_cond_wait(&k->ready, &k->queue);
	bool found = !k->stop;
	if (found) {
		*ret = k->jobs[k->first];
		k->first = (k->first + 1) % FLOOD_JOBS;
		k->count--;
	}
	pthread_mutex_unlock(&k->queue);
	return found;
}

static void *door_main(void *arg)
{
	struct floodkeeper *k = arg;
	struct flood_job job;

	while (next_job(k, &job))
		if (job.kind == DOOR_HOOK)
			run_hook(k, &job);
		else
			run_hold(k, &job);
	return NULL;
}

int flood_door_start(struct floodkeeper *k, struct err *err)
{
	pthread_t thread;
	int errnum = pthread_create(&thread, NULL, door_main, k);

	if (errnum)
		return err_sys(err, errnum, "failed to start the flood watch's thread");
	pthread_detach(thread);
	return 0;
}
