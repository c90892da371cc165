/* SPDX-License-Identifier: ISC */
/* Counts the answers given to mail since the daemon's start, for monitors. One for the process; any
 * thread. */
#pragma once

#include "base/json.h"
#include "milter/judge.h"

/* action: the answer to a message, or at MAIL to one that did not come. CONTINUE and HOLD are
 * accepted mail, so CONTINUE is not counted at MAIL. */
void tally_add(enum verdict_action action);
/* Adds "accepted", which includes held mail, and "refused": an object with "reject", "defer",
 * "discard", "hold". */
void tally_status(struct json *out);
