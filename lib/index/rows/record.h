/* SPDX-License-Identifier: ISC */
/*
 * The stored form of struct message. Version, checksum, then a head whose place never changes and
 * which holds all that is needed to remove the row again (the exact author keys, queue ID, times),
 * then the rest, which later versions may extend. Strings are stored with their NUL, so that
 * decoding points into the bytes and copies nothing.
 */
#ifndef PQPURGE_INDEX_RECORD_H
#define PQPURGE_INDEX_RECORD_H

#include "base/bytes.h"
#include "base/err.h"
#include "mail/message.h"

#define RECORD_VERSION 1

/* Appends the record of m to out (out->failed on no memory). Runs in the session's thread, not the
 * writer's. */
void record_encode(const struct message *m, struct bytes *out);

/*
 * Checks the record (version, checksum, every length) and views it as a message; valid as long as
 * the bytes are. ERR_DAMAGED, or ERR_VERSION for a newer one.
 */
int record_decode(struct span stored, struct message *ret) NODISCARD;

/*
 * The same at less cost, for filtering: where the checksum is right, the queue ID's grammar, the
 * author keys, and whether texts are as many and as long as they say, is not looked at. What is
 * handed on goes through record_decode.
 */
int record_view(struct span stored, struct message *ret) NODISCARD;

/*
 * The halves of record_view, for who can do with one of them: the checksum, and a view that is safe
 * to read and may say anything.
 */
bool record_is_whole(struct span stored) NODISCARD;
int record_peek(struct span stored, struct message *ret) NODISCARD;

/* The head alone, for adding and dropping rows. */
struct record_head {
	struct queue_id queue_id;
	int64_t mail_time, end_time;
	uint32_t author_count;
	struct span authors; /* author_count times: u16 length, key bytes (domain.h, domain_key) */
};
int record_head(struct span stored, struct record_head *ret) NODISCARD;
/* Walks the keys of a head: 1 and the key, 0 at the end. *at starts at 0. */
int record_next_author(const struct record_head *head, size_t *at, struct span *ret_key);

#endif
