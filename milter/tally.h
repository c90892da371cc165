/* SPDX-License-Identifier: ISC */
/* Counts the answers given to mail since the daemon's start. One for the process; any thread. */
#pragma once

#include "base/json.h"
#include "milter/judge.h"

/* action: the answer to a message, or a refusal at MAIL. */
void tally_add(enum verdict_action action);
/* Adds "accepted" (with held mail) and "refused": an object with "reject", "defer", "discard",
 * "hold". */
void tally_status(struct json *out);
