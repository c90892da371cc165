/* SPDX-License-Identifier: ISC */
/* Private to lib/flood: the inside of the detector. */
#pragma once

#include "flood/flood_table.h"

#define PASSES (16384 / 8) /* sets of eight Message-IDs that may come back from a filter */

struct flood {
	struct flood_config config;
	struct table table[FLOOD_KINDS];
	struct flood_incident incident[FLOOD_INCIDENTS_MAX];
	uint64_t pass[PASSES][8];
	uint8_t pass_next[PASSES];
	int64_t now; /* of the last call */
	int64_t counted;
	int64_t started; /* when this state began, wall clock; 0: at the first message */
	int64_t full;    /* until then no incident is opened */
	uint64_t unopened;
	uint32_t next_id;
	unsigned open, untold;
};

/* The limit that a key exceeds, and by how much. */
struct over {
	enum flood_signal signal;
	uint32_t seen, limit, usual;
	bool act;
	bool half; /* above half of its limit */
};
/* Whether the key's own history allows it more than the limit. */
bool flood_is_lifted(const struct flood *f, enum flood_kind kind, const struct entry *e);
uint64_t flood_hash_of(const struct flood *f, const struct flood_key *k);
struct entry *flood_entry_of(struct flood *f, const struct flood_incident *i);

/* Opens an incident, or the key's last one again. NULL if too many are open. */
struct flood_incident *flood_incident_open(struct flood *f, enum flood_kind kind,
    const struct flood_key *k, struct entry *e, const struct over *over, int64_t now);
/* For a key with an open incident. opened: by this message. */
void flood_incident_add(struct flood *f, struct flood_incident *i, const struct entry *e,
    const struct over *over, const struct flood_message *m, bool opened);
