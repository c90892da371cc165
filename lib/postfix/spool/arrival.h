/* SPDX-License-Identifier: ISC */
/* When messages arrived, whether they are bounces, and how they came, as their queue files tell. */
#ifndef PQPURGE_POSTFIX_ARRIVAL_H
#define PQPURGE_POSTFIX_ARRIVAL_H

#include "mail/queue_id.h"
#include "postfix/config/instance.h"

struct arrival {
	int64_t time;     /* of the T record, wall microseconds; -1: gone, or not read in time */
	bool null_sender; /* with no client a bounce or notice, which no milter sees */
	bool from_client; /* an SMTP client brought it, under this queue ID */
};

/*
 * In a child as mail_owner: one for each of ids, in a malloc'd array. Files that are not reached by
 * the steady deadline stay unknown. About 5 us a message warm.
 */
int arrival_read(const struct postfix *p, const struct queue_id *ids, size_t count,
    int64_t deadline, struct arrival **ret, struct err *err) NODISCARD;

#endif
