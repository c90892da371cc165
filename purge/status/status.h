/* SPDX-License-Identifier: ISC */
/*
 * The state of everything: the daemon, the index, the queue and Postfix's settings. Gathered first,
 * then judged (findings, a pure function), then told as text or JSON.
 */
#ifndef PQPURGE_PURGE_STATUS_H
#define PQPURGE_PURGE_STATUS_H

#include "index/overview.h"
#include "postfix/config/finding.h"
#include "purge/session.h"
#include "purge/status/belongs.h"
#include "purge/status/live.h"
#include "purge/status/missing.h"

/* Zero-initialise. */
struct status {
	const struct session *s;
	struct postfix postfix;
	struct live live;
	bool index_known;
	struct err index_err; /* where it is not known: why */
	int index_code;
	struct overview overview;
	enum belongs belongs;
	struct outcome outcome; /* of a walk that selected nothing: its counts alone */
	struct missing missing; /* has the gaps, also where nothing is missing */
	int64_t rules;          /* in force, or, while no daemon runs, to be; -1 unknown */
	char rules_error[512];  /* what is wrong with the rules file; "" = nothing */
	struct findings findings;
};

/* ERR_CONFIG where Postfix cannot be read; what else goes wrong is part of the status. */
int status_read(struct status *st, const struct session *s, struct err *err) NODISCARD;
void status_release(struct status *st);

/* What is wrong with the daemon, the index and the queue, before what is wrong with the settings.
 */
void status_judge(struct status *st);

void status_text(FILE *to, const struct status *st);
/* The findings alone. */
void status_findings_text(FILE *to, const struct status *st);
int status_json(FILE *to, const struct status *st) NODISCARD;

#endif
