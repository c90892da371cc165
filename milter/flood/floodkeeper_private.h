/* SPDX-License-Identifier: ISC */
/* The flood keeper from inside: floodkeeper*.c alone. */
#pragma once

#include <pthread.h>

#include "door/door.h"
#include "flood/flood_config.h"
#include "milter/flood/floodkeeper.h"

#define FLOOD_JOBS 64 /* orders that wait for the door */

/* An order for the door, with the incident as it was. */
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
	bool unsaved;                 /* the upkeep thread's, as what follows */
	int64_t next_save, next_look; /* steady */
	int64_t began;                /* wall */
	int64_t told[10];             /* wall: the last lines about a begin */
	unsigned untold;              /* begins that were not told */

	pthread_mutex_t lock; /* guards the detector; held for moments */
	struct flood *flood;  /* NULL: flood_watch = off */
	int64_t next_count;   /* steady: when undelivered mail is counted again */
	uint64_t changes;     /* marks and holds since the last save */
	bool caught_up;       /* once since it began: nothing is counted late any more */

	pthread_mutex_t queue; /* guards what follows */
	pthread_cond_t ready;
	struct flood_job jobs[FLOOD_JOBS];
	unsigned first, count;
	bool stop;
};

/* Rules: the upkeep thread's. i is a copy; what changes is written back by the caller. */
const char *flood_action_word(uint8_t action); /* "HOLD" */
void flood_act(struct floodkeeper *k, struct flood_incident *i, int64_t now);
void flood_unact(struct floodkeeper *k, struct flood_incident *i);
/* Renews its rule and asks for its hits; a rule that somebody removed stays removed. */
void flood_renew(struct floodkeeper *k, struct flood_incident *i, int64_t now);

void flood_tell(
    struct floodkeeper *k, enum flood_event event, const struct flood_incident *i, int64_t now);
struct json *flood_incident_json(const struct flood_incident *i, uint32_t rate);

/* Counts the mail of an update that came while nobody counted. */
void flood_count_late(struct floodkeeper *k, int body);

/* Puts an order into the queue; says so in the log where there is no room. */
void flood_order(struct floodkeeper *k, const struct flood_job *job);
int flood_door_start(struct floodkeeper *k, struct err *err) NODISCARD;
