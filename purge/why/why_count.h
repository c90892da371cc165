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
 * One message: its begin (arrival_time 0 = unknown), each of its recipients that has a reason, its
 * end. A negative code is -ENOMEM.
 */
void why_count_begin(
    struct why_count *c, const struct queue_id *id, int64_t arrival_time, bool null_sender);
int why_count_recipient(struct why_count *c, const char *recipient, const char *reason) NODISCARD;
void why_count_end(struct why_count *c, enum queue_name queue);

/* The queue directory, open; for reading the message's files. */
int why_count_directory(const struct why_count *c);
/* What could not be read, and why the first of it could not; its message is counted all the same.
 */
void why_count_unread(struct why_count *c, uint64_t count, const struct err *why);

/* The whole, for why.c. */
int why_count_put(struct why_count *c, struct bytes *out, struct err *err) NODISCARD;

#endif
