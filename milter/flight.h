/* SPDX-License-Identifier: ISC */
/* Counts running callbacks by the time they began, to tell when all that began before a moment have
 * ended, however many began since. One for the process; any thread. */
#pragma once

#include "base/base.h"

/* flight_end takes what this returned. */
unsigned flight_begin(void);
void flight_end(unsigned begun);
/* A moment for flight_is_over. */
unsigned flight_mark(void);
/* Whether all that began before mark have ended. */
bool flight_is_over(unsigned mark);
