/* SPDX-License-Identifier: ISC */
/*
 * The content of a queue file (global/rec_type.h, postcat/postcat.c): header and body as a delivery
 * agent reads them, with the changes by milters. Hostile bytes: the file's size bounds the work.
 * Only for a process that is mail_owner.
 */
#pragma once

#include "mail/message.h"
#include "postfix/spool/queue.h"

/* Finds the recorded message in any queue and proves it. 0, -ENOENT, ERR_STALE (another message
 * has its name), -EAGAIN (still being received), ERR_SYNTAX or -errno. layout: of queue_dir. */
int content_open(const struct queue_layout *layout, int queue_dir, const struct message *recorded,
    int *ret_fd, int64_t *ret_arrival) NODISCARD;

/* Writes it with LF line ends. 0, ERR_SYNTAX (no complete queue file, or unreadable), or the -errno
 * of writing. */
int content_write(int fd, int to) NODISCARD;

/* 1: buf has the first value of the header field ("Subject"), unfolded, cut to size, not scrubbed.
 * 0: the first 64 KiB have none. */
int content_field(int fd, const char *name, char *buf, size_t size) NODISCARD;
