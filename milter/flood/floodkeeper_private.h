/* SPDX-License-Identifier: ISC */
/* The flood keeper's internals, for floodkeeper*.c only. */
#pragma once

#include <pthread.h>

#include "door/door.h"
#include "flood/flood_config.h"
#include "milter/flood/floodkeeper.h"

#define FLOOD_JOBS 64 /* orders that may wait for the door */

/* with a copy of the incident */
struct flood_job {
	enum door_kind kind; /* HOLD or HOOK */
	enum door_event event;
	struct flood_incident incident;
	int64_t until; /* HOLD: end of the window */
};

struct floodkeeper {
	const struct settings *settings;
	struct rulekeeper *rules;
	struct flood_setup setup;
	bool unsaved;                        /* this and the members below: the upkeep thread's */
	int64_t saved, next_save, next_look; /* steady */
	int64_t began;                       /* wall */
	int64_t told[10];                    /* wall; when begins were last logged */
	unsigned untold;                     /* begins that were not logged */

	pthread_mutex_t lock; /* guards the detector; held for moments */
	struct flood *flood;  /* NULL: flood_watch = off */
	int64_t next_count;   /* steady; next count of undelivered mail */
	uint64_t changes;     /* since the last save */
	bool caught_up;       /* mail from before the start is counted */

	pthread_mutex_t queue; /* guards the members below */
	pthread_cond_t ready;
	struct flood_job jobs[FLOOD_JOBS];
	unsigned first, count;
	bool stop;
};

/* Returns the number taken, or a code. *ret_wrong counts invalid lines. */
typedef int flood_take_line(struct flood *f, const struct json *line);
int flood_take_lines(struct floodkeeper *k, flood_take_line *take, const char *text, size_t len,
    uint64_t *ret_wrong);
/* Writes the state of a copy's rule to its incident. */
void flood_write_back(struct floodkeeper *k, const struct flood_incident *copy);

/* For the upkeep thread. i is a copy; the caller writes changes back. */
/* "HOLD": what its rule does or, once it is over, did; "WARN": it has none. */
const char *flood_action_word(const struct flood_incident *i);
void flood_act(struct floodkeeper *k, struct flood_incident *i, int64_t now);
void flood_unact(struct floodkeeper *k, struct flood_incident *i);
/* Also asks for the rule's hits. A rule that an admin removed stays removed. */
void flood_renew(struct floodkeeper *k, struct flood_incident *i, int64_t now);

void flood_tell(
    struct floodkeeper *k, enum flood_event event, const struct flood_incident *i, int64_t now);
/* Pushes an incident's samples to packed lists. */
void flood_samples(
    const struct flood_incident *i, struct strbuf *to_clients, struct strbuf *to_ids);
struct json *flood_incident_json(const struct flood_incident *i, uint32_t rate);

/* Counts what the milter saw, or what a queue file says, at the time of its arrival. */
void flood_count(struct floodkeeper *k, const struct message *m, int64_t now);
/* For an update's mail that came while nobody counted. */
void flood_count_late(struct floodkeeper *k, int body);

/* Logs it if the queue is full. */
void flood_order(struct floodkeeper *k, const struct flood_job *job);
int flood_door_start(struct floodkeeper *k, struct err *err) NODISCARD;
