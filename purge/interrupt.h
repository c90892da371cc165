/* SPDX-License-Identifier: ISC */
/* SIGINT, SIGTERM and SIGHUP set a flag that a walk checks between chunks. */
#pragma once

#include "base/base.h"

extern volatile sig_atomic_t interrupt_stop;

/* Call it first. Ignores SIGPIPE, so that a closed pager becomes a write error, and resets SIGCHLD,
 * since children must be waited for. */
void interrupt_begin(void);
/* For verbs that change something: from now on the signals only set the flag. */
void interrupt_catch(void);
/* SIGALRM sets the flag after usec microseconds (less than a second). */
void interrupt_after(long usec);
/* The signals wait until the caller puts *ret_before back with sigprocmask(2). */
void interrupt_hold(sigset_t *ret_before);
/* Waits until fd is readable. False: a signal set the flag. */
bool interrupt_wait(int fd);
