/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/lock.h"
#include "index/control/status.h"
#include "milter/flood/floodkeeper_private.h"

#define ANSWER_MAX 512
#define STATUS_MAX 10

static void put_incidents(
    struct floodkeeper *k, struct json *list, bool all, int64_t id, size_t most)
{
	int64_t now = clock_wall();
	uint32_t below = UINT32_MAX;

	/* Newest first. The lock is released between incidents. */
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
	/* The rule would hold the mail that the command now releases. */
	if (mark[0] == 'n') {
		flood_unact(k, &copy);
		flood_write_back(k, &copy);
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
	int taken = flood_take_lines(k, flood_learn, lines, strlen(lines), &wrong);
	UNDER(&k->lock, k->changes++);
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

int floodkeeper_answer(
    struct floodkeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	const char *word = json_text(request, "do");

	for (size_t n = 0; word && n < COUNT_OF(requests); n++)
		if (strcmp(word, requests[n].word) == 0)
			return requests[n].answer(k, request, reply, err);
	return err_set(err, ERR_USAGE, "there is no such request");
}

void floodkeeper_status(struct floodkeeper *k, struct json *reply)
{
	static const char *const words[] = {"off", "warn", "act"};

	json_put_text(reply, STATUS_FLOOD_WATCH, words[k->settings->flood_watch]);
	if (!k->flood)
		return;
	struct json *list = json_new_array();
	put_incidents(k, list, false, 0, STATUS_MAX);
	json_put_int(reply, STATUS_FLOODS_OPEN, UNDER(&k->lock, flood_open_count(k->flood)));
	json_put(reply, STATUS_FLOODS, list);
}
