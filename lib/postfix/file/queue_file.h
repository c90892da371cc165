/* SPDX-License-Identifier: ISC */
/* Reads queue files (global/record.c, rec_type.h, cleanup/cleanup_envelope.c). A file consists of
 * records: a type byte, a length in groups of 7 bits (low first), and data.
 *
 * The bytes are hostile: no length, offset or number is trusted. Only for mail_owner's
 * processes. */
#pragma once

#include "mail/identity.h"

#define QUEUE_WINDOW      4096   /* bytes read at once: most envelopes are smaller */
#define QUEUE_DATA_MAX    2100   /* bytes of a record that are kept; line_length_limit is 2,048 */
#define QUEUE_RECORDS_MAX 200000 /* in envelope and header; some 6 ms of CPU */
#define QUEUE_JUMPS_MAX   100    /* pointers followed */

struct queue_record {
	unsigned char type;
	uint64_t begin, end; /* offsets of the data */
	size_t len;          /* of data, cut to QUEUE_DATA_MAX */
	bool cut;
	char data[QUEUE_DATA_MAX + 1]; /* terminated; a NUL inside ends it, as in Postfix */
};

/* Initialise with QUEUE_FILE(fd), or set the bounds yourself. */
struct queue_file {
	int fd;
	uint64_t records_left;
	unsigned jumps_left;
	uint64_t at; /* offset of the next record; the caller may set it */
	/* Private: the window on the file. */
	uint64_t offset;
	size_t len;
	unsigned char window[QUEUE_WINDOW];
};
#define QUEUE_FILE(descriptor)                                                                     \
	{                                                                                          \
		.fd = (descriptor), .records_left = QUEUE_RECORDS_MAX,                             \
		.jumps_left = QUEUE_JUMPS_MAX                                                      \
	}

/* Reads the next record in Postfix's order, which follows the pointers to and from the parts that
 * milters changed. Returns 0, -errno, or ERR_SYNTAX: a malformed record, the end of the file, or a
 * bound exceeded. */
int queue_file_next(struct queue_file *f, struct queue_record *ret) NODISCARD;

/* A decimal of at most 18 digits after blanks, or -1. *rest (may be NULL) gets the rest of the
 * text. */
int64_t queue_number(const char *text, const char **rest);

/* Collects the identity from the records C and T (only the first of each), A and S, up to the first
 * recipient after sender and client, or up to the content. */
struct queue_envelope {
	struct identity *identity;
	bool begun, sized, timed;
	bool client_told;   /* client_port, its last attribute, was read */
	bool has_recipient; /* a recipient follows the sender */
};
void queue_envelope_begin(struct queue_envelope *e, const struct stat *st, struct identity *ret);
/* Returns 1 go on, 0 complete, or ERR_SYNTAX: no queue file. */
int queue_envelope_take(struct queue_envelope *e, const struct queue_record *r) NODISCARD;
/* Whether it is complete even if the file cannot be read further, as when it has more recipients
 * than QUEUE_RECORDS_MAX. */
bool queue_envelope_suffices(const struct queue_envelope *e);

/* Reads the identity of the file open on fd. *st: its fstat. Returns 0, -errno, or ERR_SYNTAX (no
 * queue file; *ret has the fields read so far). */
int queue_file_identity(int fd, const struct stat *st, struct identity *ret) NODISCARD;
