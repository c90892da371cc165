/* SPDX-License-Identifier: ISC */
/* The content of a queue file (global/rec_type.h, postcat/postcat.c): header and body as a delivery
 * agent reads them, including changes by milters.
 *
 * The bytes are hostile; the work is bounded by the file's size. Only for mail_owner's
 * processes. */
#pragma once

#include "mail/message.h"
#include "postfix/spool/queue.h"

/* Finds the recorded message in any queue and proves it. Returns 0, -ENOENT, ERR_STALE (another
 * message has its name), -EAGAIN (still arriving), ERR_SYNTAX or -errno. */
int content_open(const struct queue *q, const struct message *recorded, int *ret_fd,
    int64_t *ret_arrival) NODISCARD;

/* Writes the content with LF line ends. Returns 0, ERR_SYNTAX (incomplete or unreadable queue
 * file), or the -errno of writing. */
int content_write(int fd, int to) NODISCARD;

/* The first value of the header field name ("Subject"): unfolded, cut to size, not scrubbed.
 * Returns 1, or 0 if the first 64 KiB of content have no such field. */
int content_field(int fd, const char *name, char *buf, size_t size) NODISCARD;
