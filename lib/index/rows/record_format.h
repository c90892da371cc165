/* SPDX-License-Identifier: ISC */
/* The layout of a record, for record.c (writes) and record_view.c (reads). Numbers are in this
 * machine's byte order, because no record outlives its boot.
 *
 * A record is struct record_start, the queue ID and the author keys (u16 length, bytes); then
 * struct record_common and those of the three parts that it has, each followed by its client
 * addresses, texts and lists, in the order of their sizes. An address takes 0, 4 or 16 bytes by its
 * family; a text's size counts its NUL; the texts of a list follow each other. */
#pragma once

#include "mail/message.h"

#define PACKED     __attribute__((packed))
#define TEXT_COUNT 4 /* in the given part, and in the queued part */

struct record_start {
	uint8_t version;
	uint64_t sum; /* of all that follows */
	/* The head: all that is needed to drop the rows again. */
	int64_t mail_time, end_time;
	uint8_t id_len, flags /* HEAD_ */, author_count;
	uint16_t authors_len; /* in bytes */
} PACKED;
#define HEAD_AT offsetof(struct record_start, mail_time)

enum { HEAD_READ = 1u << 0, HEAD_MOVED = 1u << 1 };

struct record_common {
	uint8_t parts; /* PART_ */
	uint8_t origin;
	uint32_t flags;
} PACKED;
enum { PART_GIVEN = 1u << 0, PART_FIRST = 1u << 1, PART_QUEUED = 1u << 2 };

struct record_list {
	uint32_t count, bytes;
} PACKED;

struct record_given {
	int64_t connect_time, rcpt_time;
	uint8_t family;
	uint16_t port;
	uint32_t recipient_count;
	uint16_t texts[TEXT_COUNT]; /* sender, login, Message-ID, subject */
	struct record_list from, recipients;
} PACKED;

/* Then the client, the queue ID and the login. */
struct record_first {
	uint8_t id_len, family;
	uint16_t login;
} PACKED;

struct record_queued {
	int64_t arrival_time, create_time;
	uint64_t inode;
	int64_t size, uid;
	uint8_t family, log_family;
	uint16_t port, same; /* SAME_ */
	uint32_t recipient_count;
	uint16_t texts[TEXT_COUNT]; /* sender, login, Message-ID, log_ident */
	struct record_list from, recipients;
	uint32_t originals; /* bytes; as many as recipients, or none */
} PACKED;

/* The queue file's value equals the client's, so it is not stored. SAME_LOG_CLIENT: log_client
 * equals the client_address of the queue file. */
enum {
	SAME_SENDER = 1u << 0, /* the texts in their order */
	SAME_LOGIN = 1u << 1,
	SAME_MESSAGE_ID = 1u << 2,
	SAME_FROM = 1u << 4,
	SAME_RECIPIENTS = 1u << 5,
	SAME_CLIENT = 1u << 6,
	SAME_LOG_CLIENT = 1u << 7,
	SAME_ALL = 0xf7,
};

/* How many of an address's last bytes are stored. */
static inline size_t record_client_size(uint8_t family)
{
	return family == 4 ? 4 : family == 6 ? 16 : 0;
}
