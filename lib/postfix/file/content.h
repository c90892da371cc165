/* SPDX-License-Identifier: ISC */
/*
 * The content of a queue file: header and body as a delivery agent would read them, with what
 * milters changed, without the envelope. Hostile bytes: the work is bounded by the file's size.
 * Call these only in a process that is mail_owner.
 */
#ifndef PQPURGE_POSTFIX_CONTENT_H
#define PQPURGE_POSTFIX_CONTENT_H

#include "mail/message.h"
#include "postfix/spool/queue.h"

/*
 * Opens the file that is proven to be the recorded message, in whatever queue it lies. layout is
 * that of queue_dir. 0, -ENOENT (gone), ERR_STALE (another message has its name), -EAGAIN (still
 * being received), ERR_SYNTAX or -errno.
 */
int content_open(const struct queue_layout *layout, int queue_dir, const struct message *recorded,
    int *ret_fd, int64_t *ret_arrival) NODISCARD;

/*
 * Writes the content of the queue file open on fd to `to`, lines with LF. 0, ERR_SYNTAX (it is no
 * complete queue file, or cannot be read), or the -errno of writing.
 */
int content_write(int fd, int to) NODISCARD;

/*
 * The first value of the header field of that name ("Subject"), unfolded, into buf, cut to size: 1,
 * or 0 where there is none in the first 64 KiB. Bytes as they are; callers scrub them.
 */
int content_field(int fd, const char *name, char *buf, size_t size) NODISCARD;

#endif
