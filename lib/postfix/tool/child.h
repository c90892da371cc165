/* SPDX-License-Identifier: ISC */
/* How this room starts a program of Postfix. Private to lib/postfix. */
#pragma once

#include "base/err.h"

/*
 * Starts argv[0] in its own process group with the given stdin, stdout and stderr (-1: /dev/null),
 * `kept` as descriptor 3 (-1: none), no other descriptor, a minimal environment, no blocked
 * signals. It inherits whether SIGPIPE is ignored: if so, it survives us and finishes its work.
 * -errno with words.
 */
int child_spawn(
    const char *const argv[], const int fds[3], int kept, pid_t *ret, struct err *err) NODISCARD;

/* A descriptor that becomes readable when pid ends; -1 if the kernel has none. */
int child_watch(pid_t pid);
