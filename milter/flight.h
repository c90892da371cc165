/* SPDX-License-Identifier: ISC */
/*
 * What is in flight: callbacks at work on a message, counted by the time at which they began, so
 * that it can be told when all that had begun by a moment have ended, however many begin after it.
 * One for the process; any thread.
 */
#ifndef PQPURGE_MILTER_FLIGHT_H
#define PQPURGE_MILTER_FLIGHT_H

#include "base/base.h"

/* A callback begins; hand what it returns to flight_end. */
unsigned flight_begin(void);
void flight_end(unsigned begun);
/* A moment; ask flight_is_over about it. */
unsigned flight_mark(void);
/* Whether all that had begun by then have ended. */
bool flight_is_over(unsigned mark);

#endif
