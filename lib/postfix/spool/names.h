/* SPDX-License-Identifier: ISC */
/* An open-addressing table of known queue IDs and of the names that a walk finds, each once. 21
 * bytes each, plus up to 16 of free slots. Private to lib/postfix. */
#pragma once

#include "mail/queue_id.h"
#include "postfix/spool/queue.h"

struct names {
	struct packed_id *keys; /* the known ones as given, with flags; then the names found */
	uint8_t *marks;         /* NAMES_ bits of each key */
	size_t known, count, cap;
	uint32_t *slots; /* a position in keys plus 1; 0 free */
	size_t mask;     /* number of slots, a power of two, minus 1 */
	uint64_t seeds[2];
};
#define NAMES_QUEUE  0x1fu /* enum queue_name: where it was found first; 0 nowhere */
#define NAMES_READ   0x20u /* its file must be read */
#define NAMES_DOUBLE 0x40u /* a known ID that was given before */

/* Copies known; of an ID given twice the first counts. ERR_LIMIT for more than WALK_KNOWN_MAX,
 * -ENOMEM or -errno. Release it in any case. */
int names_init(struct names *n, const struct packed_id *known, size_t count) NODISCARD;
void names_release(struct names *n);
/* *ret: the position of id, which is added if missing. -ENOMEM, ERR_LIMIT. */
int names_find(struct names *n, const struct packed_id *id, size_t *ret) NODISCARD;
bool names_have(const struct names *n, const struct packed_id *id);
/* Bring into the processor's cache what names_find will need: the slot, later its key. */
void names_prefetch(const struct names *n, const struct packed_id *id);
void names_prefetch_key(const struct names *n, const struct packed_id *id);
