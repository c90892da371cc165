/* SPDX-License-Identifier: ISC */
/*
 * Reasons, counted in the child that reads them: each is folded, and memory depends on the number
 * of different ones, not on the messages. What it hands over, why.c reads. Private to why.c.
 */
#ifndef PQPURGE_PURGE_WHY_COUNT_H
#define PQPURGE_PURGE_WHY_COUNT_H

#include "purge/why/why.h"

struct why_count;

/* now: what "due" is counted to. -errno with words where the queue cannot be opened. */
int why_count_new(
    const struct postfix *p, int64_t now, struct why_count **ret, struct err *err) NODISCARD;
void why_count_free(struct why_count *c);

/*
 * Reads one message's defer log. One that cannot be read is counted, and its message as well. Only
 * -ENOMEM is returned.
 */
int why_count_message(struct why_count *c, const struct why_message *m) NODISCARD;

/* The whole, for why.c. */
int why_count_put(struct why_count *c, struct bytes *out, struct err *err) NODISCARD;

#endif
