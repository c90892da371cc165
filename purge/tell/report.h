/* SPDX-License-Identifier: ISC */
/*
 * What came of it: an outcome as text for people, as JSON for programs, and as exit status. Pure
 * functions of the outcome; they write to a stream and look at nothing else. Write errors are found
 * by whoever closes the stream.
 */
#ifndef PQPURGE_PURGE_REPORT_H
#define PQPURGE_PURGE_REPORT_H

#include "order/order.h"

/* An ID that --id asked for and that the index does not know: gone, or there but nobody can say
 * which message it is. */
struct stranger {
	struct queue_id queue_id;
	bool gone;
};

struct missing;

struct report {
	const struct outcome *outcome;
	const struct missing *missing; /* of what the index does not know; may be NULL */
	enum action action;
	bool dry_run;
	bool ids_asked;        /* --id: what is gone is listed */
	bool recipients_asked; /* --recipient: the others are told */
	bool bounces_asked;    /* --with-bounces: their number is told */
	const struct stranger *strangers;
	size_t stranger_count;
	uint64_t foreign; /* release: held by others, left */
	unsigned rules_set;
	unsigned passes; /* of --sweep; 0 = none was asked for */
	bool sweep_cut;  /* the bound was reached before a pass found nothing */
};

/* A result's count, strangers included. */
uint64_t report_count(const struct report *r, enum result result);
uint64_t report_matched(const struct report *r);
/* How many lay in hold already, or not at all, so that a hold or a release had nothing to do. */
uint64_t report_idle(const struct report *r);

/* A line per message, then the summary. 0 or a negative code. */
int report_json(FILE *to, const struct report *r) NODISCARD;
/* Sentences and aligned counts, at most 80 columns. */
void report_text(FILE *to, const struct report *r);
/* What an admin has to look at, by ID; nothing where there is nothing. The same in text reports and
 * under --quiet. */
void report_problems(FILE *to, const struct report *r);
int report_exit(const struct report *r);

#endif
