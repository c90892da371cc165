/* SPDX-License-Identifier: ISC */
/* The program of flood_hook: run for the daemon, which may gain no rights and reach no network. */
#pragma once

#include "base/settings.h"
#include "door/door.h"

#define HOOK_TIME (30 * INT64_C(1000000)) /* microseconds that it may take */
#define HOOK_WAIT (60 * INT64_C(1000000)) /* for one that still runs */

/*
 * Runs program as hook_user with the event as its argument, the fields as JSON on stdin and as
 * PQPURGE_FLOOD_NAME, a clean environment, no other descriptor, in a session of its own that is
 * killed after HOOK_TIME. One at a time. 0, or why not: ERR_CONFIG (not root's alone to write, no
 * such user, root itself), ERR_TIMEOUT, ERR_CHILD (it failed; with the last words of its stderr).
 */
int hook_run(const struct settings *settings, const char *program, const struct door_hook *hook,
    struct err *err) NODISCARD;
/*
 * Its part after the fork: reaps the child, the leader of a session whose stderr comes through
 * errors. At the steady deadline the session is killed, whatever became of its stderr.
 */
int hook_wait(
    const char *path, pid_t child, int errors, int64_t deadline, struct err *err) NODISCARD;
