/* SPDX-License-Identifier: ISC */
/*
 * The policy front: from requests of Postfix's policy protocol to the calls of a session, and from
 * verdicts to answers. Rules for login, client and envelope sender are looked up at each RCPT and
 * again at END-OF-MESSAGE, where the message is recorded and counted as the milter does it. Header
 * fields are not known here: the index gets them from the queue file.
 *
 * A message that the milter front has in hand (overlap.h) is passed. So is what we fail at: out of
 * memory, or END-OF-MESSAGE without a queue ID (before-queue proxy filters).
 */
#pragma once

#include "milter/glue.h"
#include "milter/policy/request.h"

struct front;

/* config is the milter front's, too, and outlives it. NULL on no memory. */
struct front *front_new(const struct glue_config *config);
void front_free(struct front *f); /* NULL is fine */
/* "action=...", an empty line behind it. */
#define FRONT_ANSWER_SIZE 512
void front_answer(
    struct front *f, const struct policy_request *request, char ret[FRONT_ANSWER_SIZE]);
/* Adds "policy_messages" (on their way) and "policy_passed" (to the milter front). */
void front_status(struct front *f, struct json *out);
