/* SPDX-License-Identifier: ISC */
/* Tells when all callbacks that began before a given moment have ended, however many began
 * later. One for the process; any thread. */
#pragma once

#include "base/base.h"

/* Returns a number for flight_end. */
unsigned flight_begin(void);
void flight_end(unsigned begun);
/* Returns this moment, for flight_is_over. */
unsigned flight_mark(void);
bool flight_is_over(unsigned mark);
