/* SPDX-License-Identifier: ISC */
/* Runs the program of flood_hook for the daemon, which itself may gain no rights and reach no
 * network. */
#pragma once

#include "base/settings/settings.h"
#include "door/door.h"

#define HOOK_TIME (30 * INT64_C(1000000)) /* microseconds; for the hook */
#define HOOK_WAIT (60 * INT64_C(1000000)) /* microseconds; for an earlier hook */

/* Runs program as hook_user, with the event as argument, the fields as JSON on stdin and as
 * PQPURGE_FLOOD_NAME, a clean environment and no other descriptor. It leads a session, which is
 * killed after HOOK_TIME. One hook runs at a time. ERR_CONFIG: others can write the program, or
 * hook_user is root or does not exist. ERR_TIMEOUT. ERR_CHILD: it failed; err has the last line of
 * its stderr. */
int hook_run(const struct settings *settings, const char *program, const struct door_hook *hook,
    struct err *err) NODISCARD;
/* The part of hook_run after the fork, for tests. Reads the child's stderr from errors and reaps
 * the child, which leads a session. Kills the session at the steady deadline. */
int hook_wait(
    const char *path, pid_t child, int errors, int64_t deadline, struct err *err) NODISCARD;
