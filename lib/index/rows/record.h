/* SPDX-License-Identifier: ISC */
/*
 * The stored form of struct message: version, checksum, a head with all that is needed to remove
 * the row again (author keys, queue ID, times), then the rest. Strings are stored with their NUL,
 * so decoding copies nothing. Values of the queue file that equal the client's are stored once.
 *
 * ORIGIN_QUEUE has no given half: its fields decode as zero and "", except mail_time, rcpt_time and
 * end_time, which are the T record's.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "mail/message.h"

#define RECORD_VERSION 2

/* Appends the record of m to out (out->failed on no memory). */
void record_encode(const struct message *m, struct bytes *out);

/* Checks everything (root reads what others hand over) and views the record as a message; valid as
 * long as the bytes are. ERR_DAMAGED or ERR_VERSION. */
int record_decode(struct span stored, struct message *ret) NODISCARD;

/* A cheaper view for filtering: does not check checksum, queue ID, author keys, or counts and NULs
 * of texts. Safe to read, but may say anything; verify matches with record_decode. */
int record_peek(struct span stored, struct message *ret) NODISCARD;
bool record_is_whole(struct span stored) NODISCARD;

struct record_head {
	struct queue_id queue_id;
	int64_t mail_time, end_time;
	bool read;  /* the queued half is known */
	bool moved; /* read, and its inode is not the one in the ID */
	uint32_t author_count;
	struct span authors; /* author_count times: u16 length, domain_key */
};
int record_head(struct span stored, struct record_head *ret) NODISCARD;
/* 1 and the next key, 0 at the end. *at starts at 0. */
int record_next_author(const struct record_head *head, size_t *at, struct span *ret_key);
