/* SPDX-License-Identifier: ISC */
/*
 * The stored form of struct message, both halves. Version, checksum, then a head with all that is
 * needed to remove the row again (the exact author keys, queue ID, times), then the rest. Strings
 * are stored with their NUL, so that decoding points into the bytes and copies nothing. What the
 * queue file says just as the client did is stored once.
 *
 * Of ORIGIN_QUEUE there is no given half: its fields are zero and "" in what is decoded, whatever
 * was encoded, but for mail_time, rcpt_time and end_time, which are the T record.
 */
#ifndef PQPURGE_INDEX_RECORD_H
#define PQPURGE_INDEX_RECORD_H

#include "base/bytes.h"
#include "base/err.h"
#include "mail/message.h"

#define RECORD_VERSION 2

/* Appends the record of m to out (out->failed on no memory). Also what an update's records are
 * made by (update.h). */
void record_encode(const struct message *m, struct bytes *out);

/*
 * Checks the record and views it as a message; valid as long as the bytes are. Everything is
 * checked: version, checksum, every length, every text, and that no byte is left over, for root
 * takes in what others hand over. ERR_DAMAGED, or ERR_VERSION for another version.
 */
int record_decode(struct span stored, struct message *ret) NODISCARD;

/*
 * The same at less cost, for filtering: the queue ID's grammar, the author keys, and whether texts
 * are as many and as long as they say, is not looked at. Safe to read, but may say anything. What
 * is handed on goes through record_decode. record_view looks at the checksum, record_peek does not.
 */
int record_view(struct span stored, struct message *ret) NODISCARD;
int record_peek(struct span stored, struct message *ret) NODISCARD;
/* The checksum alone. */
bool record_is_whole(struct span stored) NODISCARD;

/* The head alone, for adding and dropping rows. */
struct record_head {
	struct queue_id queue_id;
	int64_t mail_time, end_time;
	bool read;  /* the queued half is known */
	bool moved; /* and the file's inode is not the one that the ID names */
	uint32_t author_count;
	struct span authors; /* author_count times: u16 length, key bytes (domain.h, domain_key) */
};
int record_head(struct span stored, struct record_head *ret) NODISCARD;
/* Walks the keys of a head: 1 and the key, 0 at the end. *at starts at 0. */
int record_next_author(const struct record_head *head, size_t *at, struct span *ret_key);

#endif
