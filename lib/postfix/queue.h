/* SPDX-License-Identifier: ISC */
/* Queues in flow order, and where in them a queue ID lies (global/mail_queue.c mail_queue_path,
 * util/dir_forest.c). */
#ifndef PQPURGE_POSTFIX_QUEUE_H
#define PQPURGE_POSTFIX_QUEUE_H

#include "mail/queue_id.h"
#include "postfix/instance.h"

enum queue_name {
	QUEUE_MAILDROP = 1u << 0,
	QUEUE_INCOMING = 1u << 1,
	QUEUE_ACTIVE = 1u << 2,
	QUEUE_DEFERRED = 1u << 3,
	QUEUE_HOLD = 1u << 4,
};
#define QUEUE_COUNT 5
#define QUEUE_ALL   0x1fu

/* The nth queue in flow order: maildrop, incoming, active, deferred, hold. */
enum queue_name queue_at(unsigned n);
const char *queue_word(enum queue_name queue); /* "deferred" */
/* "deferred,hold" to bits. ERR_SYNTAX names the word that is no queue. */
int queue_parse_list(const char *text, unsigned *ret_bits, struct err *err) NODISCARD;

/* The path of id in queue, relative to queue_directory. At most QUEUE_PATH_MAX bytes with its NUL.
 */
#define QUEUE_PATH_MAX 96
#define HASH_DEPTH_MAX 16 /* hash_queue_depth is 1 to 16 */
void queue_path(const struct postfix *p, enum queue_name queue, const struct queue_id *id,
    char path[QUEUE_PATH_MAX]);
/* The same for the log directories "defer" and "bounce", which hold a file of the same name per
 * message. */
void queue_log_path(
    const struct postfix *p, const char *log, const struct queue_id *id, char path[QUEUE_PATH_MAX]);

#endif
