/* SPDX-License-Identifier: ISC */
/* A selected message as its record, which was checked once when taken. It is decoded on demand,
 * because 100,000 decoded messages would need as much memory as their records. */
#pragma once

#include "base/role.h"
#include "index/rows/record.h"

struct candidate {
	uint64_t sequence;
	const void *record; /* borrowed; must not change */
	uint32_t record_len;
	uint32_t matched; /* from selector_nominate_row */
};

/* Checks and takes a record. Returns 0 or an error of record_decode. */
int candidate_take(struct candidate *c, struct span record) NODISCARD;

struct message candidate_message(const struct candidate *c);
struct queue_id candidate_id(const struct candidate *c);

struct candidates {
	struct candidate *list; /* by sequence, each message once */
	size_t count;
	uint64_t damaged;   /* unreadable records, which were skipped */
	uint64_t limits;    /* regular expressions that hit their match limit */
	uint64_t unjoined;  /* messages back from a filter that --login and --client cannot judge */
	uint64_t changes;   /* index_changes before the selection; 0 unknown */
	struct blob memory; /* holds records that a child selected */
	struct bytes made;  /* holds records made in this process */
};
void candidates_release(struct candidates *c);
