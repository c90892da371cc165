/* SPDX-License-Identifier: ISC */
/* Private to lib/postfix. Asks a queue file's header and defer log whether they match a selector
 * (selector_asks_file). Only for mail_owner's processes. */
#pragma once

#include "postfix/file/queue_message.h"
#include "postfix/spool/spool.h"

#define ASKING_REASONS_MAX 100000 /* of one log; if there are more, the answer is UNSURE */

struct asking {
	const struct selector *selector;
	const struct postfix *postfix;
	/* Private. */
	struct queue_message message;
};

/* Sets ret->asked and ret->limited for the file open on fd, whose name is id. */
void asking_answer(
    struct asking *a, const struct queue *q, int fd, const struct queue_id *id, struct proof *ret);
void asking_release(struct asking *a);
