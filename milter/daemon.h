/* SPDX-License-Identifier: ISC */
#pragma once

#include "base/settings/settings.h"

/* Checks the rules file. Needs no root. */
int daemon_check(const struct settings *settings, struct err *err) NODISCARD;

/* Runs until a signal, and ends the process with status 0. Returns only if the start failed. The
 * log must be open and descriptors 0 to 2 in use. */
int daemon_run(const struct settings *settings, struct err *err) NODISCARD;
