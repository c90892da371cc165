/* SPDX-License-Identifier: ISC */
/*
 * The state of everything: the daemon, the index, Postfix and its settings. Gathered first, then
 * judged (findings), then told as text or JSON.
 */
#ifndef PQPURGE_PURGE_STATUS_H
#define PQPURGE_PURGE_STATUS_H

#include "postfix/config/finding.h"
#include "postfix/spool/queue.h"
#include "purge/session.h"
#include "purge/status/live.h"

/* Zero-initialise. */
struct status {
	const struct session *s;
	struct postfix postfix;
	int postfix_runs; /* 1, 0, or negative: postfix_err says why it is not known */
	struct err postfix_err;
	struct queue_place place; /* of the queue directory; 0, 0: queue_err says why */
	struct err queue_err;
	struct live live;
	int index_code; /* 0: counts is filled in; else index_err says why not */
	struct err index_err;
	struct index_counts counts;
	int64_t rules;         /* in force, or, while no daemon runs, to be; -1 unknown */
	char rules_error[512]; /* what is wrong with the rules file; "" = nothing */
	struct findings findings;
};

/* ERR_CONFIG where Postfix's configuration cannot be read; what else goes wrong is part of the
 * status. */
int status_read(struct status *st, const struct session *s, struct err *err) NODISCARD;
void status_release(struct status *st);

/* What is wrong with the daemon, the index and the queue, put before what is wrong with settings
 * of Postfix. */
void status_judge(struct status *st);

void status_text(FILE *to, const struct status *st);
/* The findings alone. */
void status_findings_text(FILE *to, const struct status *st);
int status_json(FILE *to, const struct status *st) NODISCARD;

#endif
