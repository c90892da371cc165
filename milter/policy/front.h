/* SPDX-License-Identifier: ISC */
/* Turns requests of Postfix's policy protocol into calls of a session, and verdicts into
 * answers. Rules for login, client and envelope sender are looked up at each RCPT and again at
 * END-OF-MESSAGE, where the message is recorded and counted as by the milter. The index gets
 * header fields from the queue file.
 *
 * The answer is DUNNO for a message that the milter front handles (overlap.h), and also if we
 * fail: out of memory, or END-OF-MESSAGE without a queue ID (before-queue proxy filters). */
#pragma once

#include "milter/glue.h"
#include "milter/policy/request.h"

struct front;

/* config is shared with the milter front and must outlive it. */
struct front *front_new(const struct glue_config *config);
void front_free(struct front *f);
/* "action=..." and an empty line. */
#define FRONT_ANSWER_SIZE 512
void front_answer(
    struct front *f, const struct policy_request *request, char ret[FRONT_ANSWER_SIZE]);
/* Adds "policy_messages" (in progress) and "policy_passed" (left to the milter front). */
void front_status(struct front *f, struct json *out);
