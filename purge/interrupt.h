/* SPDX-License-Identifier: ISC */
/*
 * SIGINT, SIGTERM and SIGHUP set a flag that the walk looks at between chunks; nothing is torn off
 * in the middle. SIGPIPE is ignored, so that a pager that goes away is a write error and not a
 * half-done purge.
 */
#ifndef PQPURGE_PURGE_INTERRUPT_H
#define PQPURGE_PURGE_INTERRUPT_H

#include <signal.h>

#include "base/base.h"

extern volatile sig_atomic_t interrupt_stop;

/* For verbs that change something: from here on the signals only set the flag. */
void interrupt_catch(void);
/* Waits until fd has something to read, its end included. False: a signal has set the flag, be it
 * before or during the wait. */
bool interrupt_wait(int fd);
/*
 * First of all: SIGPIPE is ignored, and SIGCHLD is not, even where whoever started us ignores it,
 * for then no child could be waited for.
 */
void interrupt_begin(void);

#endif
