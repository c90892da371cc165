/* SPDX-License-Identifier: ISC */
/* The stored form of struct message (record_format.h). Strings are stored with their NUL, so
 * decoding copies nothing.
 *
 * An ORIGIN_QUEUE message has no given half: those fields decode as zero and "", except mail_time,
 * rcpt_time and end_time, which are the time of the T record. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "mail/message.h"

#define RECORD_VERSION 2

/* Appends the record of m to out. If out of memory, out->failed is set. */
void record_encode(const struct message *m, struct bytes *out);

/* Checks everything, because root reads what others hand over. The message points into the bytes.
 * Returns 0, ERR_DAMAGED or ERR_VERSION. */
int record_decode(struct span stored, struct message *ret) NODISCARD;

/* Decodes faster, for filtering: it does not check the checksum, the queue ID, author keys, or the
 * counts and NULs of texts. The result is safe to read, but may be wrong. Check matches again with
 * record_decode. */
int record_peek(struct span stored, struct message *ret) NODISCARD;
/* The same for the queue ID alone. */
int record_peek_id(struct span stored, struct queue_id *ret) NODISCARD;
bool record_is_whole(struct span stored) NODISCARD;

struct record_head {
	struct queue_id queue_id;
	int64_t mail_time, end_time;
	bool read;  /* the queued half is known */
	bool moved; /* read, and the file's inode is not the one in the ID */
	uint32_t author_count;
	struct span authors; /* author_count times: u16 length, domain_key */
};
int record_head(struct span stored, struct record_head *ret) NODISCARD;
/* Sets *ret_key to the next author key. Returns 1, or 0 at the end. *at starts at 0. */
int record_next_author(const struct record_head *head, size_t *at, struct span *ret_key);
