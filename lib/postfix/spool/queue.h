/* SPDX-License-Identifier: ISC */
/* Queues in flow order, and where in them a queue ID lies (global/mail_queue.c mail_queue_path,
 * util/dir_forest.c). */
#ifndef PQPURGE_POSTFIX_QUEUE_H
#define PQPURGE_POSTFIX_QUEUE_H

#include <sys/stat.h>

#include "mail/queue_id.h"
#include "postfix/config/instance.h"

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

/*
 * Opens the queue directory. All queues must be in it, as Postfix makes them when it starts: where
 * a file system is not mounted no mail is seen, and none has left. The descriptor, or a negative
 * code; ERR_CONFIG: a queue is missing.
 */
int queue_directory_open(const struct postfix *p, struct err *err) NODISCARD;

/*
 * Opens a file of the queue to read it, by its path below queue_dir: no symlink is followed, no
 * FIFO waited for, and where we own the file its access time stays, which would be a write for each
 * proof. The descriptor, or -errno. What it is, is for the caller to see.
 */
int queue_open(int queue_dir, const char *path) NODISCARD;
/*
 * A regular file that cleanup(8) has finished: the owner's rwx is what it sets last
 * (global/mail_open_ok.c); the group's bits are requests to qmgr(8).
 */
bool queue_is_complete(const struct stat *st);

#endif
