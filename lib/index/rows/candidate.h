/* SPDX-License-Identifier: ISC */
/*
 * A message that was selected: a record that was checked as a whole, once, when it was taken. Its
 * message is viewed when it is asked for; a hundred thousand views side by side would be as much
 * memory again as the records.
 */
#ifndef PQPURGE_INDEX_CANDIDATE_H
#define PQPURGE_INDEX_CANDIDATE_H

#include "base/role.h"
#include "index/rows/record.h"

struct candidate {
	uint64_t sequence;
	const void *record; /* somebody else's bytes, which must stay as they are */
	uint32_t record_len;
	uint32_t matched; /* as selector_nominate_row says */
};

/* Takes a record, having checked it: 0, or what record_decode says. */
int candidate_take(struct candidate *c, struct span record) NODISCARD;

/* What it views is the record's. */
struct message candidate_message(const struct candidate *c);
struct queue_id candidate_id(const struct candidate *c);
int64_t candidate_mail_time(const struct candidate *c);

struct candidates {
	struct candidate *list; /* in sequence order, each message once */
	size_t count;
	uint64_t damaged;   /* records that could not be read, skipped */
	uint64_t limits;    /* expressions that hit their match limit */
	uint64_t unjoined;  /* back from a filter; --login or --client cannot judge them */
	struct blob memory; /* records that a child handed over */
	struct bytes made;  /* records that were made here */
};
void candidates_release(struct candidates *c);

#endif
