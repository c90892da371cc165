/* SPDX-License-Identifier: ISC */
/* What a selector asks of a queue file's header and of its defer log (selector_asks_file). Private
 * to lib/postfix. Only for a process that is mail_owner. */
#pragma once

#include "postfix/file/queue_message.h"
#include "postfix/spool/spool.h"

#define ASKING_REASONS_MAX 100000 /* looked at of a log; if there are more: UNSURE */

struct asking {
	const struct selector *selector; /* NULL: nothing is asked */
	const struct postfix *postfix;
	/* Private. */
	struct queue_message message;
};

bool asking_is_due(const struct asking *a); /* anything is asked */
/* Sets ret->asked and ret->limited for the file open on fd, which is named id. */
void asking_answer(struct asking *a, int fd, const struct queue_layout *layout, int queue_dir,
    const struct queue_id *id, struct proof *ret);
void asking_release(struct asking *a);
