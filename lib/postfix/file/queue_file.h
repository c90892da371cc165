/* SPDX-License-Identifier: ISC */
/*
 * Queue files (global/record.c, rec_type.h, cleanup/cleanup_envelope.c) consist of records: a type
 * byte, a length in 7-bit groups, low first, and data. Hostile bytes: no length, offset or number
 * is trusted. Only for a process that is mail_owner.
 */
#pragma once

#include "mail/identity.h"

#define QUEUE_WINDOW      4096  /* bytes read at once: most envelopes are smaller */
#define QUEUE_DATA_MAX    2100  /* bytes kept of a record: line_length_limit is 2,048 */
#define QUEUE_RECORDS_MAX 20000 /* of one envelope */
#define QUEUE_JUMPS_MAX   100   /* pointers followed */

struct queue_record {
	unsigned char type;
	uint64_t begin, end; /* offsets of the data */
	size_t len;          /* of data, cut to QUEUE_DATA_MAX */
	bool cut;
	char data[QUEUE_DATA_MAX + 1]; /* terminated; for Postfix, too, a NUL inside ends it */
};

/* Begin with QUEUE_FILE(fd), or with bounds of your own. */
struct queue_file {
	int fd;
	uint64_t records_left;
	unsigned jumps_left;
	uint64_t at; /* the next record's offset; may be set */
	/* Private: what the window holds. */
	uint64_t offset;
	size_t len;
	unsigned char window[QUEUE_WINDOW];
};
#define QUEUE_FILE(descriptor)                                                                     \
	{                                                                                          \
		.fd = (descriptor), .records_left = QUEUE_RECORDS_MAX,                             \
		.jumps_left = QUEUE_JUMPS_MAX                                                      \
	}

/* The next record in Postfix's order: follows the pointers to and from what milters changed.
 * ERR_SYNTAX if malformed, at the end of the file, or past the bounds; or -errno. */
int queue_file_next(struct queue_file *f, struct queue_record *ret) NODISCARD;

/* A decimal of at most 18 digits after blanks, or -1. *rest (may be NULL) gets what follows. */
int64_t queue_number(const char *text, const char **rest);

/* Reads C and T (the first of each counts), A and S, up to the first recipient or the content. */
struct queue_envelope {
	struct identity *identity;
	bool begun, sized, timed;
};
void queue_envelope_begin(struct queue_envelope *e, const struct stat *st, struct identity *ret);
/* 1 go on, 0 complete, ERR_SYNTAX: no queue file. */
int queue_envelope_take(struct queue_envelope *e, const struct queue_record *r) NODISCARD;

/* The same for the file open on fd, whose fstat is *st. 0, ERR_SYNTAX (no queue file; the fields
 * read so far are filled in), or -errno. */
int queue_file_identity(int fd, const struct stat *st, struct identity *ret) NODISCARD;
