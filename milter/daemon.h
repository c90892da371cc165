/* SPDX-License-Identifier: ISC */
/* The daemon from start to stop. */
#ifndef PQPURGE_MILTER_DAEMON_H
#define PQPURGE_MILTER_DAEMON_H

#include "base/settings.h"

/*
 * Checks what can be checked without touching anything: socket notation and rules file. Needs no
 * root.
 */
int daemon_check(const struct settings *settings, struct err *err) NODISCARD;

/*
 * Runs until a signal stops it, and then ends the process with status 0; returns only where the
 * start failed. The log is open and descriptors 0 to 2 are in use.
 */
int daemon_run(const struct settings *settings, struct err *err) NODISCARD;

#endif
