/* SPDX-License-Identifier: ISC */
/* Counts running callbacks by their begin. It tells when all callbacks that began before a given
 * moment have ended, however many began later. One for the process; any thread. */
#pragma once

#include "base/base.h"

/* Returns the number for flight_end. */
unsigned flight_begin(void);
void flight_end(unsigned begun);
/* A moment for flight_is_over. */
unsigned flight_mark(void);
/* Whether all callbacks that began before mark have ended. */
bool flight_is_over(unsigned mark);
