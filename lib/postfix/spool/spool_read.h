/* SPDX-License-Identifier: ISC */
/* Reading many queue files as messages, in children that are mail_owner. */
#ifndef PQPURGE_POSTFIX_SPOOL_READ_H
#define PQPURGE_POSTFIX_SPOOL_READ_H

#include "base/role.h"
#include "postfix/file/queue_message.h"
#include "postfix/spool/queue.h"

/* Called in a child for each complete file that could be read: the nth of the list. What it puts
 * out is handed over. */
typedef void spool_read_take(void *arg, size_t n, const struct queue_message *m, struct bytes *out);

#define SPOOL_READ_PARTS 2

/* What the children handed over, in list order. Zero-initialise; release once. */
struct spool_reading {
	struct blob blobs[SPOOL_READ_PARTS];
	struct span parts[SPOOL_READ_PARTS]; /* what take put out; the count is `used` */
	unsigned used;
	uint64_t unreadable; /* complete files that could not be read as messages */
};

/*
 * Looks for each of count IDs in the queues and reads its file. What is gone, still arriving or no
 * regular file is passed over. About 10 us a message warm.
 */
int spool_read(const struct postfix *p, const struct queue_id *ids, size_t count,
    size_t max_recipients, spool_read_take *take, void *arg, struct spool_reading *ret,
    struct err *err) NODISCARD;
void spool_reading_release(struct spool_reading *r);

#endif
