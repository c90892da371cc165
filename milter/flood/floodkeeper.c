/* SPDX-License-Identifier: ISC */
/* The detector under its lock, its file, the work of each second, and the command's requests. */
#include "milter/flood/floodkeeper.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/lines.h"
#include "base/log.h"
#include "milter/flood/floodkeeper_private.h"
#include "rules/stored.h"

#define SAVE_EVERY (600 * USEC_PER_SEC)
#define SAVE_SOON  (2 * USEC_PER_SEC) /* after an incident changed */
#define LOOK_EVERY (10 * USEC_PER_SEC)
#define EVENTS_MAX 64 /* events in a second */
#define ANSWER_MAX 512
#define STATUS_MAX 10
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

/* ---- the file */

typedef int take_line(struct flood *f, const struct json *line);

/* Takes lines one by one, so that no session waits for all of them. Returns their number. */
static int take_lines(
    struct floodkeeper *k, take_line *take, const char *text, size_t len, uint64_t *ret_wrong)
{
	AUTO(lines_release) struct lines lines = LINES_IN(text, len);
	int taken = 0, code;

	while ((code = lines_next(&lines)) == 1) {
		AUTO(json_release) struct json *line = NULL;
		int wrong = json_parse(lines.line.text, lines.line.len, &line, NULL);

		pthread_mutex_lock(&k->lock);
		wrong = wrong ? wrong : take(k->flood, line);
		pthread_mutex_unlock(&k->lock);
		taken += wrong == 0;
		*ret_wrong += wrong != 0;
	}
	return code < 0 ? code : taken;
}

static int read_all(const char *path, char **ret, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	off_t size = fd < 0 ? -errno : lseek(fd, 0, SEEK_END);
	char *text = size > 0 && size <= (off_t)FILE_MAX ? malloc((size_t)size) : NULL;
	ssize_t got = size < 0 ? size : !text ? 0 : lseek(fd, 0, SEEK_SET);

	if (text && got == 0)
		got = io_read_all(fd, text, (size_t)size);
	io_close(&fd);
	*ret = text;
	*ret_len = got > 0 ? (size_t)got : 0;
	return got < 0 ? (int)got : 0;
}

void floodkeeper_begin(struct floodkeeper *k)
{
	AUTO(strbuf_release) struct strbuf path = {0};
	char *text = NULL;
	size_t len = 0;
	uint64_t wrong = 0;
	struct err err = {{0}};

	if (!k->flood)
		return;
	k->began = clock_wall();
	strbuf_printf(&path, "%s/" FLOODKEEPER_FILE, k->settings->state_directory);
	int code = read_all(strbuf_text(&path), &text, &len);
	if (code && code != -ENOENT)
		log_warning("failed to read '%s' (%s); the flood watch begins anew",
		    strbuf_text(&path), err_word(code));
	if (len > 0)
		(void)take_lines(k, flood_restore, text, len, &wrong);
	if (wrong)
		log_warning("'%s': %llu lines are left out, since they make no sense",
		    strbuf_text(&path), (unsigned long long)wrong);
	free(text);
	if (flood_door_start(k, &err) != 0)
		log_error("%s", err.text);
}

/* In slices, so that no session waits long. */
static void save(struct floodkeeper *k, int64_t now)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	struct err err = {{0}};
	bool more = true;

	for (size_t at = 0; more;) {
		pthread_mutex_lock(&k->lock);
		more = flood_save(k->flood, &at, &text);
		pthread_mutex_unlock(&k->lock);
	}
	int code =
	    stored_replace(k->settings->state_directory, FLOODKEEPER_FILE, &text, true, &err);
	if (code && !k->unsaved)
		log_error("%s", err.text);
	k->unsaved = code != 0;
	k->next_save = now + (code ? SAVE_SOON * 30 : SAVE_EVERY);
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

/* ---- counting */

void floodkeeper_feed(struct floodkeeper *k, const struct message *m)
{
	if (!k->flood)
		return;
	const struct flood_message message = {
	    .now = m->end_time,
	    .login = m->login,
	    .sender = m->sender,
	    .recipient = m->recipients.count ? m->recipients.first : "",
	    .message_id = m->message_id,
	    .queue_id = m->queue_id.text,
	    .client = m->client,
	    .recipients = m->recipient_count ? m->recipient_count : 1,
	    .local = m->origin == ORIGIN_SENDMAIL,
	    .own = m->client.family && flood_is_own(&k->setup, &m->client),
	    .loopback = flood_is_loopback(&m->client),
	    .login_exact = k->settings->login_exact,
	};
	pthread_mutex_lock(&k->lock);
	flood_feed(k->flood, &message);
	pthread_mutex_unlock(&k->lock);
}

/* ---- each second */

static void write_back(struct floodkeeper *k, const struct flood_incident *copy, bool hook)
{
	pthread_mutex_lock(&k->lock);
	struct flood_incident *i = flood_find(k->flood, copy->id);
	if (i) {
		i->expires = copy->expires;
		i->action = copy->action;
		i->hits = copy->hits;
		i->hook_begun |= hook;
	}
	pthread_mutex_unlock(&k->lock);
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

static void happen(
    struct floodkeeper *k, enum flood_event event, struct flood_incident *i, int64_t now)
{
	bool acts = event == FLOOD_ACTS || (event == FLOOD_AGAIN && i->act);

	if (acts && k->settings->flood_watch == FLOOD_WATCH_ACT)
		flood_act(k, i, now);
	if (event == FLOOD_ENDS)
		flood_unact(k, i);
	write_back(k, i, event == FLOOD_BEGINS);
	flood_tell(k, event, i, now);
	order_hook(k, event, i);
	/* Until now, when the rule is in force, so that nothing slips between rule and hold. */
	if (event == FLOOD_ACTS && i->expires && k->settings->flood[i->kind].held)
		flood_order(k,
		    &(struct flood_job){.kind = DOOR_HOLD, .incident = *i, .until = clock_wall()});
}

/* Copies, since the lock is not held while rules are written. */
static size_t take_events(
    struct floodkeeper *k, struct flood_incident *copies, enum flood_event *events, int64_t now)
{
	struct flood_incident *i;
	size_t count = 0;

	pthread_mutex_lock(&k->lock);
	flood_tick(k->flood, now);
	while (count < EVENTS_MAX && flood_take(k->flood, &events[count], &i))
		copies[count++] = *i;
	pthread_mutex_unlock(&k->lock);
	return count;
}

/* For incidents that are still open: renews the rule. New hits of it keep the incident open. */
static void look_at_rules(struct floodkeeper *k, int64_t now)
{
	for (size_t n = 0; n < FLOOD_INCIDENTS_MAX; n++) {
		pthread_mutex_lock(&k->lock);
		struct flood_incident copy = *flood_at(k->flood, n);
		pthread_mutex_unlock(&k->lock);
		if (!copy.id || !copy.open || !copy.expires)
			continue;
		uint64_t before = copy.hits;
		flood_renew(k, &copy, now);
		write_back(k, &copy, false);
		if (copy.hits == before)
			continue;
		pthread_mutex_lock(&k->lock);
		struct flood_incident *i = flood_find(k->flood, copy.id);
		if (i)
			flood_goes_on(k->flood, i, now);
		pthread_mutex_unlock(&k->lock);
	}
}

void floodkeeper_each_second(struct floodkeeper *k)
{
	static struct flood_incident copies[EVENTS_MAX]; /* only used by the upkeep thread */
	enum flood_event events[EVENTS_MAX];
	int64_t now = clock_wall(), steady = clock_steady();

	if (!k->flood)
		return;
	size_t count = take_events(k, copies, events, now);
	for (size_t n = 0; n < count; n++)
		happen(k, events[n], &copies[n], now);
	if (steady >= k->next_look) {
		look_at_rules(k, now);
		k->next_look = steady + LOOK_EVERY;
	}
	pthread_mutex_lock(&k->lock);
	bool changed = k->changes > 0 || count > 0;
	k->changes = 0;
	pthread_mutex_unlock(&k->lock);
	if (!k->next_save || (changed && k->next_save > steady + SAVE_SOON))
		k->next_save = steady + (k->next_save ? SAVE_SOON : SAVE_EVERY);
	if (steady >= k->next_save)
		save(k, steady);
}

/* ---- requests */

static void put_incidents(
    struct floodkeeper *k, struct json *list, bool all, int64_t id, size_t most)
{
	int64_t now = clock_wall();
	uint32_t below = UINT32_MAX;

	/* Newest first: the largest number below the last one. */
	for (size_t n = 0; k->flood && n < most; n++) {
		struct flood_incident *next = NULL;

		pthread_mutex_lock(&k->lock);
		for (size_t s = 0; s < FLOOD_INCIDENTS_MAX; s++) {
			struct flood_incident *i = flood_at(k->flood, s);
			bool wanted = id ? i->id == id : all || i->open;

			if (i->id && wanted && i->id < below && (!next || i->id > next->id))
				next = i;
		}
		if (next) {
			below = next->id;
			json_append(
			    list, flood_incident_json(next, flood_rate(k->flood, next, now)));
		}
		pthread_mutex_unlock(&k->lock);
		if (!next)
			break;
	}
}

static int answer_floods(
    struct floodkeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	struct json *list = json_new_array();

	(void)err;
	put_incidents(
	    k, list, json_bool(request, "all", false), json_int(request, "id", 0), ANSWER_MAX);
	json_put(reply, "floods", list);
	return 0;
}

static int answer_mark(
    struct floodkeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	const char *mark = json_text(request, "mark");
	int64_t id = json_int(request, "id", 0), now = clock_wall();
	struct json *answer = NULL;

	if (!mark || (strcmp(mark, "normal") != 0 && strcmp(mark, "bad") != 0))
		return err_set(err, ERR_SYNTAX, "\"mark\" is normal or bad");
	pthread_mutex_lock(&k->lock);
	struct flood_incident *i =
	    k->flood && id > 0 && id < UINT32_MAX ? flood_find(k->flood, (uint32_t)id) : NULL;
	if (i && mark[0] == 'n')
		flood_normal(k->flood, i, now);
	else if (i)
		flood_bad(k->flood, i, now);
	if (i) {
		answer = flood_incident_json(i, flood_rate(k->flood, i, now));
		k->changes++;
	}
	struct flood_incident copy = i ? *i : (struct flood_incident){0};
	pthread_mutex_unlock(&k->lock);
	if (!answer)
		return err_set(err, ERR_USAGE, "there is no flood %lld", (long long)id);
	if (mark[0] == 'n') { /* the rule must go before the command releases anything */
		flood_unact(k, &copy);
		write_back(k, &copy, false);
	}
	json_put(reply, "flood", answer);
	return 0;
}

static int answer_learn(
    struct floodkeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	const char *lines = json_text(request, "lines");
	uint64_t wrong = 0;

	if (!k->flood || !lines)
		return err_set(err, ERR_USAGE, lines ? "flood_watch is off" : "there are no lines");
	int taken = take_lines(k, flood_learn, lines, strlen(lines), &wrong);
	pthread_mutex_lock(&k->lock);
	k->changes++;
	pthread_mutex_unlock(&k->lock);
	json_put_int(reply, "learned", taken);
	json_put_int(reply, "wrong", (int64_t)wrong);
	return taken < 0 ? taken : 0;
}

static int answer_named(
    struct floodkeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	int64_t now = clock_wall();
	unsigned count = 0;

	(void)err;
	pthread_mutex_lock(&k->lock);
	for (size_t n = 0; k->flood && n < json_count(request, "subjects"); n++) {
		const char *subject = json_text(json_at(request, "subjects", n), NULL);

		count += subject ? flood_named(k->flood, subject, now) : 0;
	}
	k->changes += count;
	pthread_mutex_unlock(&k->lock);
	json_put_int(reply, "marked", count);
	return 0;
}

static const struct {
	const char *word;
	int (*answer)(
	    struct floodkeeper *k, const struct json *request, struct json *reply, struct err *err);
} requests[] = {
    {"floods", answer_floods},
    {"flood-mark", answer_mark},
    {"flood-named", answer_named},
    {"flood-learn", answer_learn},
};

bool floodkeeper_is_mine(const char *word)
{
	for (size_t n = 0; n < COUNT_OF(requests); n++)
		if (strcmp(word, requests[n].word) == 0)
			return true;
	return false;
}

int floodkeeper_answer(
    struct floodkeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	const char *word = json_text(request, "do");

	for (size_t n = 0; word && n < COUNT_OF(requests); n++)
		if (strcmp(word, requests[n].word) == 0)
			return requests[n].answer(k, request, reply, err);
	return err_set(err, ERR_SYNTAX, "this is no request about floods");
}

void floodkeeper_status(struct floodkeeper *k, struct json *reply)
{
	static const char *const words[] = {"off", "warn", "act"};

	json_put_text(reply, "flood_watch", words[k->settings->flood_watch]);
	if (!k->flood)
		return;
	struct json *list = json_new_array();
	put_incidents(k, list, false, 0, STATUS_MAX);
	pthread_mutex_lock(&k->lock);
	unsigned open = flood_open_count(k->flood);
	pthread_mutex_unlock(&k->lock);
	json_put_int(reply, "floods_open", open);
	json_put(reply, "floods", list);
}
