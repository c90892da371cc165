/* SPDX-License-Identifier: ISC */
/* Why messages wait. A child that is mail_owner reads the defer logs (the delay_reason of postqueue
 * -j) and groups them. Its memory grows with the number of different reasons, not of messages. */
#pragma once

#include "base/json.h"
#include "base/labels.h"
#include "order/order.h"
#include "postfix/spool/queue.h"
#include "postfix/spool/spool.h"

#define WHY_REASONS_MAX 2000                      /* different reasons; the rest counts as one */
#define WHY_DOMAINS_MAX 200000                    /* pairs of reason and recipient domain */
#define WHY_DOMAINS     5                         /* domains listed for a reason */
#define WHY_TIME_MAX    (3600 * INT64_C(1000000)) /* microseconds; ^C ends it sooner */

/* The child's answer. A group has the form of `why --json`. The sums:
 *
 * - "messages" examined, "recipients" with a reason, "without_reason": messages that have none,
 *   "unread" logs and "why_unread" of the first one
 * - "due": deferred messages whose next try is due; "next" and "last": the first and last next try
 *   of the others
 * - "oldest", "oldest_null": arrival of the oldest message with a sender, and with the null sender
 *
 * Times are wall microseconds, 0 = none. */
struct why {
	struct json *sums;
	struct json **groups; /* the most frequent first */
	size_t count;
};

/* For all READY messages. ERR_STOPPED soon after *p->stop is set. Release ret in any case. */
int why_of(const struct postfix *p, const struct outcome *outcome, int64_t now, struct why *ret,
    struct err *err) NODISCARD;
void why_release(struct why *why);
/* Prints a group for people. Of several hosts it also has "hosts", "at_least" and the example's
 * "host" and "fleet"; fleets: there are several. */
void why_say(const struct json *group, bool fleets);

/* For children that count reasons. */
struct why_logs {
	const struct postfix *p;
	const struct outcome *outcome;
	struct queue queue; /* open */
	uint64_t unread;    /* logs */
	struct err why_unread;
};
/* Unreadable logs are counted, so the only error is -ENOMEM. */
int why_logs_visit(struct why_logs *logs, const struct queue_id *id, spool_reason_visit *visit,
    void *arg) NODISCARD;
/* The number of a reason in folded form; one name beyond max stands for all others. folded is
 * scratch space. 0 or -ENOMEM. */
int why_number(struct labels *names, struct strbuf *folded, const char *reason, size_t max,
    size_t *ret) NODISCARD;
