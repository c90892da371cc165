/* SPDX-License-Identifier: ISC */
/* Private to lib/postfix: starts programs of Postfix. */
#pragma once

#include "base/err.h"

/* Starts argv[0] in its own process group, with a minimal environment, no blocked signals, and
 * these descriptors only: fds as stdin, stdout and stderr (-1: /dev/null), and `kept` as descriptor
 * 3 (-1: none). If we ignore SIGPIPE, so does the program: then it survives us and finishes its
 * work. Returns 0, or -errno with words. */
int child_spawn(
    const char *const argv[], const int fds[3], int kept, pid_t *ret, struct err *err) NODISCARD;

/* Becomes readable when pid ends; -1 if the kernel lacks pidfd_open(2). */
int child_watch(pid_t pid);
