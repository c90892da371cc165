/* SPDX-License-Identifier: ISC */
/* Postfix queue IDs (global/mail_queue.h, safe_ultostr.c). Case matters. A short ID: five
 * upper-case hex digits of microseconds, then the inode in upper-case hex. A long ID: seconds in
 * base 52 (six digits or more), microseconds in base 52 (four digits), 'z', the inode in base 51.
 * Only long IDs have a 'z', so no ID is both. */
#pragma once

#include "base/base.h"

#define QUEUE_ID_MAX 31

struct queue_id {
	char text[QUEUE_ID_MAX + 1];
};

struct queue_id_parts {
	bool is_long;
	/* When the file was created (first accepted RCPT), wall clock, microseconds. -1 for a short
	 * ID. */
	int64_t time;
	uint32_t usec;  /* of that time, within its second */
	uint64_t inode; /* st_ino */
};

/* ERR_SYNTAX for an ID that Postfix would not make: stricter than mail_queue_id_ok, because
 * postsuper gets these bytes. */
int queue_id_parse(const char *text, size_t len, struct queue_id *ret) NODISCARD;
void queue_id_split(const struct queue_id *id, struct queue_id_parts *ret);

/* Reversible. The two highest bits of `time` are free for flags; these functions ignore and clear
 * them. */
struct packed_id {
	uint64_t time; /* flags, long or short, seconds, microseconds */
	uint64_t inode;
};
#define PACKED_ID_FLAG_A (UINT64_C(1) << 63)
#define PACKED_ID_FLAG_B (UINT64_C(1) << 62)
#define PACKED_ID_FLAGS  (PACKED_ID_FLAG_A | PACKED_ID_FLAG_B)
/* ERR_LIMIT if the seconds exceed 41 bits (beyond the year 70,000). */
int queue_id_pack(const struct queue_id *id, struct packed_id *ret) NODISCARD;
int queue_id_pack_text(const char *text, size_t len, struct packed_id *ret) NODISCARD;
/* ERR_SYNTAX for a value that queue_id_pack never makes. */
int queue_id_unpack(const struct packed_id *packed, struct queue_id *ret) NODISCARD;
bool queue_id_equal(const struct queue_id *a, const struct queue_id *b);
