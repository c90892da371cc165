/* SPDX-License-Identifier: ISC */
/* What was answered to mail since the daemon started, counted for monitors. One for the process;
 * any thread. */
#pragma once

#include "base/json.h"
#include "milter/judge.h"

/* action: what the MTA was told of a message, or at MAIL of one that did not come. CONTINUE and
 * HOLD are accepted mail, so at MAIL CONTINUE is not counted. */
void tally_add(enum verdict_action action);
/* "accepted" (held mail, too) and "refused": an object with "reject", "defer", "discard", "hold".
 */
void tally_status(struct json *out);
