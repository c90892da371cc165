/* SPDX-License-Identifier: ISC */
/*
 * Queue files (global/record.c, rec_type.h, cleanup/cleanup_envelope.c): records of one type byte,
 * a length in 7-bit groups, low first, and data. Hostile bytes: no length, offset or number is
 * trusted, and of a record only its first bytes are kept. Call these only as mail_owner.
 */
#ifndef PQPURGE_POSTFIX_QUEUE_FILE_H
#define PQPURGE_POSTFIX_QUEUE_FILE_H

#include <sys/stat.h>

#include "mail/identity.h"

#define QUEUE_WINDOW      4096  /* bytes in memory at once; most envelopes lie in the first */
#define QUEUE_DATA_MAX    2100  /* bytes of one record that are kept: line_length_limit is 2,048 */
#define QUEUE_RECORDS_MAX 20000 /* of one envelope */
#define QUEUE_JUMPS_MAX   100   /* pointers that are followed */

struct queue_record {
	unsigned char type;
	uint64_t begin, end; /* offsets of the data */
	size_t len;          /* of data, cut to QUEUE_DATA_MAX */
	bool cut;
	char data[QUEUE_DATA_MAX + 1]; /* terminated; a NUL inside ends what Postfix sees */
};

/* A file that is read record by record. Begin with QUEUE_FILE(fd), or with bounds of your own. */
struct queue_file {
	int fd;
	uint64_t records_left;
	unsigned jumps_left;
	uint64_t at; /* the next record's offset; may be set */
	/* Private: what is in memory. */
	uint64_t offset;
	size_t len;
	unsigned char window[QUEUE_WINDOW];
};
#define QUEUE_FILE(descriptor)                                                                     \
	{                                                                                          \
		.fd = (descriptor), .records_left = QUEUE_RECORDS_MAX,                             \
		.jumps_left = QUEUE_JUMPS_MAX                                                      \
	}

/*
 * The next record as Postfix reads them: where a milter changed something, pointers lead to it and
 * back. ERR_SYNTAX for a malformed one, at the end of the file and past the bounds; or -errno.
 */
int queue_file_next(struct queue_file *f, struct queue_record *ret) NODISCARD;

/* A decimal behind blanks, at most 18 digits, or -1. *rest (may be NULL) gets what follows. */
int64_t queue_number(const char *text, const char **rest);

/*
 * What a file says of itself from its first record to its first recipient (or to M, the start of
 * content): C and T (the first counts), A create_time, client_address, client_port, S.
 */
struct queue_envelope {
	struct identity *identity;
	bool begun, sized, timed;
};
void queue_envelope_begin(struct queue_envelope *e, const struct stat *st, struct identity *ret);
/* Takes r: 1 go on, 0 all that is wanted was seen, ERR_SYNTAX where it is no queue file. */
int queue_envelope_take(struct queue_envelope *e, const struct queue_record *r) NODISCARD;

/*
 * Reads that of the file open on fd, whose fstat is *st. 0, ERR_SYNTAX (no queue file; fields so
 * far are filled in), or -errno.
 */
int queue_file_identity(int fd, const struct stat *st, struct identity *ret) NODISCARD;

#endif
