/* SPDX-License-Identifier: ISC */
/*
 * What came of it: an outcome as text, as JSON, and as exit status. Pure functions of the outcome.
 * Whoever closes the stream finds write errors.
 */
#ifndef PQPURGE_PURGE_REPORT_H
#define PQPURGE_PURGE_REPORT_H

#include "order/order.h"

struct report {
	const struct outcome *outcome;
	enum action action;
	bool dry_run;
	bool ids_asked;                /* --id: what is gone is listed */
	bool recipients_asked;         /* --recipient: the others are told */
	bool swept;                    /* --sweep */
	unsigned rules_set;            /* --block */
	const char *verb;              /* as typed, for advice */
	const char *config;            /* -c; NULL */
	const struct postfix *postfix; /* where the samples' subjects are read; NULL: nowhere */
};

/* A count that is told: a row of one table (counts.c). */
struct count {
	const char *key;   /* in the JSON summary */
	const char *label; /* in text; NULL: not told there */
	const char *note;  /* beside the number; may be NULL */
	uint64_t n;
	bool always;  /* in the summary also where it is 0 */
	bool preview; /* part of what is shown before the question */
};
#define COUNTS_MAX 40
/* Fills rows, in the order in which they are told; returns how many. */
size_t report_counts(const struct report *r, struct count rows[COUNTS_MAX]);
/* In text: those of the preview, the others, or all. */
enum report_part { REPORT_PREVIEW, REPORT_REST, REPORT_ALL };
void report_put_counts(FILE *to, const struct report *r, enum report_part part);

/* A line per message, then the summary. 0 or a negative code. */
int report_json(FILE *to, const struct report *r) NODISCARD;
/* What is about to be done: counts, queues, ages and three samples of what is READY. */
void report_preview(FILE *to, const struct report *r);
/* A headline and aligned counts, at most 80 columns. */
void report_text(FILE *to, const struct report *r);
/* What an admin has to look at, by ID, and what could not be read; also under --quiet. */
void report_problems(FILE *to, const struct report *r);
int report_exit(const struct report *r);
/* What to type so that an unproven message is acted on all the same; returns buf. */
char *report_force(const struct report *r, const struct queue_id *id, char *buf, size_t size);

#endif
