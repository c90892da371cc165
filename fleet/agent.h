/* SPDX-License-Identifier: ISC */
/* The agent of one host: takes orders and rules from the database to root's order door, and reports
 * the results. */
#pragma once

#include "base/settings/settings.h"

/* Returns 0 after SIGTERM or SIGINT. A negative code with words: it could not begin. */
int agent_run(const struct settings *settings, struct err *err) NODISCARD;
