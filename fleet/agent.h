/* SPDX-License-Identifier: ISC */
/* The agent of one host: takes its orders and rules from the database to root's order door, and
 * tells what became of them. */
#pragma once

#include "base/settings.h"

/* Runs until SIGTERM. 0, or a negative code with words if it could not begin. */
int agent_run(const struct settings *settings, struct err *err) NODISCARD;
