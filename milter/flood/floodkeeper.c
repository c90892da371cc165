/* SPDX-License-Identifier: ISC */
#include "milter/flood/floodkeeper.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/lines.h"
#include "base/lock.h"
#include "base/log.h"
#include "milter/flood/floodkeeper_private.h"
#include "rules/stored.h"

#define SAVE_EVERY (600 * USEC_PER_SEC)
#define SAVE_AGAIN (60 * USEC_PER_SEC) /* after a failure */
#define SAVE_PAUSE (2 * USEC_PER_SEC)  /* incidents may change each second */
#define LOOK_EVERY (10 * USEC_PER_SEC)
#define EVENTS_MAX 64 /* in a second */
#define FILE_MAX   ((size_t)64 << 20)

int floodkeeper_open(const struct settings *settings, struct rulekeeper *rules,
    struct floodkeeper **ret, struct err *err)
{
	struct floodkeeper *k = calloc(1, sizeof(*k));

	if (!k)
		return err_sys(err, ENOMEM, "failed to start the flood watch");
	k->settings = settings;
	k->rules = rules;
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->queue, NULL);
	pthread_cond_init(&k->ready, NULL);
	int code = flood_setup_init(&k->setup, settings, err);
	if (!code && settings->flood_watch != FLOOD_WATCH_OFF) {
		k->flood = flood_new(&k->setup.config);
		if (!k->flood)
			code = err_sys(err, ENOMEM, "failed to start the flood watch");
	}
	if (code)
		floodkeeper_close(k);
	else
		*ret = k;
	return code;
}

void floodkeeper_close(struct floodkeeper *k)
{
	if (!k)
		return;
	flood_free(k->flood);
	flood_setup_release(&k->setup);
	free(k);
}

/* Locks for each line, so that no session waits for all of them. */
int flood_take_lines(
    struct floodkeeper *k, flood_take_line *take, const char *text, size_t len, uint64_t *ret_wrong)
{
	AUTO(lines_release) struct lines lines = LINES_IN(text, len);
	int taken = 0, code;

	while ((code = lines_next(&lines)) == 1) {
		AUTO(json_release) struct json *line = NULL;
		int wrong = json_parse(lines.line.text, lines.line.len, &line, NULL);

		wrong = wrong ?: UNDER(&k->lock, take(k->flood, line));
		taken += wrong == 0;
		*ret_wrong += wrong != 0;
	}
	return code < 0 ? code : taken;
}

static void restore(struct floodkeeper *k, const char *path)
{
	AUTO(io_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO(strbuf_release) struct strbuf text = {0};
	uint64_t wrong = 0;
	int code = fd < 0 ? -errno : io_read_text(fd, FILE_MAX, &text);

	if (code && code != -ENOENT)
		log_warning(
		    "failed to read '%s' (%s); the flood watch begins anew", path, err_word(code));
	else if (code == 0)
		(void)flood_take_lines(k, flood_restore, strbuf_text(&text), text.len, &wrong);
	if (wrong)
		log_warning("'%s': %llu lines cannot be read and are ignored", path,
		    (unsigned long long)wrong);
}

void floodkeeper_begin(struct floodkeeper *k)
{
	AUTO(strbuf_release) struct strbuf path = {0};
	struct err err = {{0}};

	if (!k->flood)
		return;
	k->began = clock_wall();
	strbuf_printf(&path, "%s/" FLOODKEEPER_FILE, k->settings->state_directory);
	restore(k, strbuf_text(&path));
	if (flood_door_start(k, &err) != 0)
		log_error("%s", err.text);
}

/* Saves in slices, so that no session waits long. */
static void save(struct floodkeeper *k, int64_t now)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	struct err err = {{0}};
	bool more = true;

	for (size_t at = 0; more;)
		more = UNDER(&k->lock, flood_save(k->flood, &at, &text));
	int code =
	    stored_replace(k->settings->state_directory, FLOODKEEPER_FILE, &text, true, &err);
	if (code && !k->unsaved)
		log_error("%s", err.text);
	k->unsaved = code != 0;
	k->saved = now;
	k->next_save = now + (code ? SAVE_AGAIN : SAVE_EVERY);
}

void floodkeeper_stop(struct floodkeeper *k)
{
	if (!k || !k->flood)
		return;
	pthread_mutex_lock(&k->queue);
	k->stop = true;
	pthread_cond_signal(&k->ready);
	pthread_mutex_unlock(&k->queue);
	save(k, clock_steady());
}

void flood_count(struct floodkeeper *k, const struct message *m, int64_t now)
{
	const struct net_address *client = message_client(m, NULL);
	const bool late = m->queued.known;
	uint32_t count;
	const struct strlist *recipients = message_waiting(m, &count);
	const struct flood_message message = {
	    .now = now,
	    .when = late ? message_arrival(m) : 0,
	    .login = message_login(m),
	    .sender = message_sender(m),
	    .recipient = recipients->count ? recipients->first : "",
	    .message_id = message_id_of(m),
	    .queue_id = m->queue_id.text,
	    .client = *client,
	    .recipients = count ? count : 1,
	    .local = late ? !client->family : m->origin == ORIGIN_SENDMAIL,
	    .own = client->family && flood_is_own(&k->setup, client),
	    .loopback = net_is_loopback(client),
	    .login_exact = k->settings->login_exact,
	};

	LOCKED(&k->lock);
	flood_feed(k->flood, &message);
}

void floodkeeper_feed(struct floodkeeper *k, const struct message *m)
{
	if (k->flood)
		flood_count(k, m, m->end_time);
}

void flood_write_back(struct floodkeeper *k, const struct flood_incident *copy)
{
	LOCKED(&k->lock);
	struct flood_incident *i = flood_find(k->flood, copy->id);
	if (i) {
		i->expires = copy->expires;
		i->action = copy->action;
		i->hits = copy->hits;
	}
}

static void order_hook(struct floodkeeper *k, enum flood_event event, struct flood_incident *i)
{
	static const enum door_event events[] = {[FLOOD_BEGINS] = DOOR_BEGIN,
	    [FLOOD_AGAIN] = DOOR_UPDATE,
	    [FLOOD_ACTS] = 0,
	    [FLOOD_UPDATE] = DOOR_UPDATE,
	    [FLOOD_ENDS] = DOOR_END};

	if (!k->settings->flood_hook[0] || !events[event])
		return;
	flood_order(
	    k, &(struct flood_job){.kind = DOOR_HOOK, .event = events[event], .incident = *i});
}

/* The window of the hold ends now, when the rule is in force, so no mail falls between them. An
 * incident that goes on after a pause has a window of the same length. */
static void order_hold(
    struct floodkeeper *k, enum flood_event event, const struct flood_incident *i)
{
	struct flood_job job = {.kind = DOOR_HOLD, .incident = *i, .until = clock_wall()};

	if (event == FLOOD_AGAIN)
		job.incident.window = job.until - (i->since - i->window);
	flood_order(k, &job);
}

static void happen(
    struct floodkeeper *k, enum flood_event event, struct flood_incident *i, int64_t now)
{
	bool acts = event == FLOOD_ACTS || (event == FLOOD_AGAIN && i->act);

	if (acts)
		flood_act(k, i, now);
	if (event == FLOOD_ENDS)
		flood_unact(k, i);
	flood_write_back(k, i);
	flood_tell(k, event, i, now);
	order_hook(k, event, i);
	if (acts && i->expires && k->settings->flood[i->kind].held)
		order_hold(k, event, i);
}

/* Copies, since the lock is not held while rules are written. */
static size_t take_events(
    struct floodkeeper *k, struct flood_incident *copies, enum flood_event *events, int64_t now)
{
	struct flood_incident *i;
	size_t count = 0;

	LOCKED(&k->lock);
	flood_tick(k->flood, now);
	while (count < EVENTS_MAX && flood_take(k->flood, &events[count], &i))
		copies[count++] = *i;
	return count;
}

/* Renews the rules of open incidents. New hits of a rule keep its incident open. */
static void look_at_rules(struct floodkeeper *k, int64_t now)
{
	for (size_t n = 0; n < FLOOD_INCIDENTS_MAX; n++) {
		struct flood_incident copy = UNDER(&k->lock, *flood_at(k->flood, n));
		if (!copy.id || !copy.open || !copy.expires)
			continue;
		uint64_t before = copy.hits;
		flood_renew(k, &copy, now);
		flood_write_back(k, &copy);
		if (copy.hits == before)
			continue;
		pthread_mutex_lock(&k->lock);
		struct flood_incident *i = flood_find(k->flood, copy.id);
		if (i)
			flood_goes_on(i, now);
		pthread_mutex_unlock(&k->lock);
	}
}

void floodkeeper_each_second(struct floodkeeper *k)
{
	static struct flood_incident copies[EVENTS_MAX]; /* the upkeep thread's */
	enum flood_event events[EVENTS_MAX];
	int64_t now = clock_wall(), steady = clock_steady();

	if (!k->flood)
		return;
	size_t count = take_events(k, copies, events, now);
	for (size_t n = 0; n < count; n++) {
		if (n > 0 && copies[n].id == copies[n - 1].id) /* it may have a rule now */
			copies[n] = copies[n - 1];
		happen(k, events[n], &copies[n], now);
	}
	if (steady >= k->next_look) {
		look_at_rules(k, now);
		k->next_look = steady + LOOK_EVERY;
	}
	pthread_mutex_lock(&k->lock);
	bool changed = k->changes > 0 || count > 0;
	k->changes = 0;
	pthread_mutex_unlock(&k->lock);
	if (!k->next_save)
		k->next_save = steady + SAVE_EVERY;
	/* at once, or after a crash an incident's rule would have no incident */
	if (changed && k->next_save > k->saved + SAVE_PAUSE)
		k->next_save = k->saved + SAVE_PAUSE;
	if (steady >= k->next_save)
		save(k, steady);
}
