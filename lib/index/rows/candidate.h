/* SPDX-License-Identifier: ISC */
/* A selected message: its record, checked once when it was taken. Its message is viewed on demand:
 * 100,000 views would take as much memory as the records. */
#pragma once

#include "base/role.h"
#include "index/rows/record.h"

struct candidate {
	uint64_t sequence;
	const void *record; /* borrowed; must not change */
	uint32_t record_len;
	uint32_t matched; /* from selector_nominate_row */
};

/* Checks and takes a record: 0, or record_decode's error. */
int candidate_take(struct candidate *c, struct span record) NODISCARD;

struct message candidate_message(const struct candidate *c);
struct queue_id candidate_id(const struct candidate *c);

struct candidates {
	struct candidate *list; /* in sequence order, each message once */
	size_t count;
	uint64_t damaged;   /* unreadable records, skipped */
	uint64_t limits;    /* expressions that hit their match limit */
	uint64_t unjoined;  /* back from a filter; --login and --client cannot judge them */
	uint64_t changes;   /* index_changes before they were selected; 0 unknown */
	struct blob memory; /* records from a child */
	struct bytes made;  /* records made here */
};
void candidates_release(struct candidates *c);
