/* SPDX-License-Identifier: ISC */
/* The log line of a verdict. */
#ifndef PQPURGE_MILTER_VERDICT_LOG_H
#define PQPURGE_MILTER_VERDICT_LOG_H

#include "milter/judge.h"

/*
 * Tells at info what a rule did, and a warning that was passed on the way; nothing where no rule
 * spoke. id is the queue ID or "NOQUEUE", stage "MAIL" or "end of message". Call it while the rule
 * set is held.
 */
void verdict_log(
    const char *id, const char *stage, const struct session *s, const struct verdict *v);

#endif
