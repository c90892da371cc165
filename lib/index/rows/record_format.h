/* SPDX-License-Identifier: ISC */
/* The layout of a record, for record.c (writes) and record_view.c (reads). Numbers are
 * little-endian.
 *
 * At 0: u8 version, u64 checksum of all that follows.
 *
 * At 9 the head, all that is needed to drop the rows again: i64 mail_time, i64 end_time, u8 length
 * of the queue ID, u8 HEAD_ flags, u8 number of author keys, u16 bytes of them; queue ID, author
 * keys (u16 length, bytes).
 *
 * Then u8 PART_ bits, u8 origin, u32 flags, and the parts in this order. A client address takes 0,
 * 4 or 16 bytes by its family; a text's size counts its NUL; the texts of a list follow each other.
 *
 * PART_GIVEN: i64 connect_time, i64 rcpt_time, u8 family, u16 port, u32 recipient_count, u16 sizes
 * of sender, login, Message-ID, subject, u32 count and u32 bytes of From and of recipients; then
 * client, texts, From, recipients.
 *
 * PART_FIRST: u8 length of the queue ID, u8 family, u16 size of login; then client, ID, login.
 *
 * PART_QUEUED: i64 arrival_time, i64 create_time, u64 inode, i64 size, i64 uid, u8 families of
 * client and log_client, u16 port, u16 SAME_ bits, u32 recipient_count, u16 sizes of sender, login,
 * Message-ID, log_ident, u32 count and u32 bytes of From and of recipients, u32 bytes of originals;
 * then what is not SAME: client, log_client, texts, From, recipients, originals. */
#pragma once

#include "mail/message.h"

#define HEAD_AT     9 /* the checksum starts here */
#define HEAD_SIZE   21
#define COMMON_SIZE 6
#define GIVEN_SIZE  47
#define FIRST_SIZE  4
#define QUEUED_SIZE 78
#define TEXT_COUNT  4 /* in the given part, and in the queued part */

enum { HEAD_READ = 1u << 0, HEAD_MOVED = 1u << 1 };
enum { PART_GIVEN = 1u << 0, PART_FIRST = 1u << 1, PART_QUEUED = 1u << 2 };
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
