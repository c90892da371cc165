/* SPDX-License-Identifier: ISC */
/*
 * Queue files (global/record.c, rec_type.h, cleanup/cleanup_envelope.c): records of one type byte,
 * a length in 7-bit groups, low first, and data. Hostile bytes: every length is checked, pointer
 * records are followed a bounded number of times. Call these only in a process that is mail_owner.
 */
#ifndef PQPURGE_POSTFIX_QUEUE_FILE_H
#define PQPURGE_POSTFIX_QUEUE_FILE_H

#include "base/bytes.h"
#include "mail/identity.h"

/*
 * Reads what the file says of itself from its first record to its first recipient (or to M, the
 * start of content): C, T (the first counts), A create_time, client_address, client_port, S. Reads
 * the first 4 KiB at once and more only where needed. The inode is from fstat. 0, ERR_SYNTAX (no
 * queue file; fields so far are filled), or -errno.
 */
int queue_file_identity(int fd, struct identity *ret) NODISCARD;

/* The same where fstat was called already. */
struct stat;
int queue_file_identity_of(int fd, const struct stat *st, struct identity *ret) NODISCARD;

/* The same on bytes in memory, for tests and fuzzing: inode 0. */
int queue_file_identity_parse(const void *at, size_t len, struct identity *ret) NODISCARD;

#endif
