/* SPDX-License-Identifier: ISC */
/* SIGINT, SIGTERM and SIGHUP set a flag that a walk looks at between chunks. */
#ifndef PQPURGE_PURGE_INTERRUPT_H
#define PQPURGE_PURGE_INTERRUPT_H

#include <signal.h>

#include "base/base.h"

extern volatile sig_atomic_t interrupt_stop;

/*
 * First of all: SIGPIPE is ignored, so that a pager that goes away is a write error. SIGCHLD is
 * not, even where whoever started us ignores it: no child could be waited for.
 */
void interrupt_begin(void);
/* For verbs that change something: from here on the signals only set the flag. */
void interrupt_catch(void);
/* SIGALRM sets the flag after so many microseconds (below a second). */
void interrupt_after(long usec);
/* Waits until fd has something to read, its end included. False: a signal has set the flag, be it
 * before or during the wait. */
bool interrupt_wait(int fd);

#endif
