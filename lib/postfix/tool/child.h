/* SPDX-License-Identifier: ISC */
/* How this room starts a program of Postfix. Private to lib/postfix. */
#ifndef PQPURGE_POSTFIX_CHILD_H
#define PQPURGE_POSTFIX_CHILD_H

#include "base/err.h"

/*
 * Starts argv[0] with stdin, stdout and stderr as given (-1 = /dev/null) and nothing else open, a
 * minimal environment, no blocked signals, in its own process group. SIGPIPE stays as the caller
 * has it: where that is ignored, the program survives us and finishes what it was given. -errno
 * with words.
 */
int child_spawn(
    const char *const argv[], int in, int out, int errors, pid_t *ret, struct err *err) NODISCARD;

/*
 * A descriptor that becomes readable when pid ends; -1 where the kernel has none.
 */
int child_watch(pid_t pid);

/* Where postconf(1) is; it alone can tell where the others are. */
const char *postconf_path(void);

#endif
