/* SPDX-License-Identifier: ISC */
/* Postfix queue IDs (global/mail_queue.h, safe_ultostr.c). Case matters.
 * Short: five upper-case hex digits of microseconds, then the inode in upper-case hex.
 * Long: seconds in base 52 (six or more), microseconds in base 52 (four), 'z', the inode in
 * base 51. Only long ones have a 'z', so no ID is both. */
#pragma once

#include "base/base.h"

#define QUEUE_ID_MAX 31

struct queue_id {
	char text[QUEUE_ID_MAX + 1];
};

struct queue_id_parts {
	bool is_long;
	int64_t
	    time; /* of the file's creation (first accepted RCPT), wall microseconds; short: -1 */
	uint32_t usec;  /* of that time, within the second */
	uint64_t inode; /* st_ino of the file */
};

/* Stricter than Postfix's mail_queue_id_ok, because postsuper gets these bytes: ERR_SYNTAX for what
 * Postfix would not have made. */
int queue_id_parse(const char *text, size_t len, struct queue_id *ret) NODISCARD;
void queue_id_split(const struct queue_id *id, struct queue_id_parts *ret);

/* An ID in 16 bytes, reversibly. The upper two bits of `time` are free for flags; these functions
 * ignore and clear them. */
struct packed_id {
	uint64_t time; /* flags, long or short, seconds, microseconds */
	uint64_t inode;
};
#define PACKED_ID_FLAG_A (UINT64_C(1) << 63)
#define PACKED_ID_FLAG_B (UINT64_C(1) << 62)
#define PACKED_ID_FLAGS  (PACKED_ID_FLAG_A | PACKED_ID_FLAG_B)
/* ERR_LIMIT if the seconds do not fit 41 bits (past the year 70,000). */
int queue_id_pack(const struct queue_id *id, struct packed_id *ret) NODISCARD;
/* queue_id_parse and queue_id_pack in one. */
int queue_id_pack_text(const char *text, size_t len, struct packed_id *ret) NODISCARD;
/* ERR_SYNTAX for a value that queue_id_pack does not make. */
int queue_id_unpack(const struct packed_id *packed, struct queue_id *ret) NODISCARD;
bool queue_id_equal(const struct queue_id *a, const struct queue_id *b);
