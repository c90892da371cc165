/* SPDX-License-Identifier: ISC */
/*
 * Records of a queue file (global/record.c): one type byte, a length in 7-bit groups, low first,
 * and data. Read at any offset, from a file by windows or from memory. Hostile bytes: every length
 * is checked, and of a record only its first bytes are kept.
 */
#ifndef PQPURGE_POSTFIX_QUEUE_RECORD_H
#define PQPURGE_POSTFIX_QUEUE_RECORD_H

#include "base/base.h"

#define QUEUE_WINDOW      4096  /* bytes in memory at once; most envelopes lie in the first */
#define QUEUE_DATA_MAX    2100  /* bytes of one record that are kept: line_length_limit is 2,048 */
#define QUEUE_RECORDS_MAX 20000 /* of one envelope */
#define QUEUE_JUMPS_MAX   100   /* pointers that are followed */

struct queue_source {
	int fd;                  /* -1: memory, all of it is the window */
	const unsigned char *at; /* the window */
	uint64_t offset;         /* where it begins */
	size_t len;
	int error;             /* -errno of read */
	unsigned char *buffer; /* QUEUE_WINDOW bytes, where fd is read */
};

struct queue_record {
	unsigned char type;
	uint64_t next; /* offset behind it */
	size_t len;    /* of data, cut to QUEUE_DATA_MAX */
	bool cut;
	char data[QUEUE_DATA_MAX + 1]; /* terminated; a NUL inside ends what Postfix sees */
};

/* The record at offset. ERR_SYNTAX where it is malformed or runs past the end. */
int queue_record_read(struct queue_source *s, uint64_t offset, struct queue_record *ret) NODISCARD;

/* A decimal behind blanks, at most 18 digits; -1 where there is none. *rest (may be NULL) gets what
 * follows. */
int64_t queue_number(const char *text, const char **rest);
/* "seconds microseconds" in microseconds, or -1. The latter are absent in files of Postfix before
 * 2.2 and in some from other programs. */
int64_t queue_time(const char *text);

#endif
