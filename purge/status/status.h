/* SPDX-License-Identifier: ISC */
/* The state of daemon, index, Postfix and settings, the findings about it, and both as text or
 * JSON. */
#pragma once

#include "postfix/config/finding.h"
#include "postfix/spool/queue.h"
#include "purge/session.h"
#include "purge/status/live.h"

struct status {
	const struct session *s;
	struct postfix postfix;
	int postfix_runs; /* 1, 0, or negative with postfix_err */
	struct err postfix_err;
	struct queue_place place; /* 0, 0: see queue_err */
	struct err queue_err;
	struct live live;
	int index_code; /* 0: counts is set; otherwise see index_err */
	struct err index_err;
	struct index_counts counts;
	int64_t rules;         /* in force or, without a daemon, stored; -1: unknown */
	char rules_error[512]; /* "" = none */
	bool in_fleet;         /* the fleet may order something here */
	int64_t fleet_seen;    /* when the agent was last joined, microseconds; 0: never */
	struct findings findings;
};

/* ERR_CONFIG if Postfix's configuration cannot be read. Other errors become part of the status. */
int status_read(struct status *st, const struct session *s, struct err *err) NODISCARD;
void status_release(struct status *st);

/* Adds findings about daemon, index and queue. */
void status_judge(struct status *st);

void status_text(FILE *to, const struct status *st);
int status_json(FILE *to, const struct status *st) NODISCARD;
