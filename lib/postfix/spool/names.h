/* SPDX-License-Identifier: ISC */
/* Private to lib/postfix. A set of queue IDs, each once: first the known ones, then those that a
 * walk finds. Open addressing; 21 bytes for each ID, plus up to 16 for free slots. */
#pragma once

#include "mail/queue_id.h"
#include "postfix/spool/queue.h"

struct names {
	struct packed_id *keys; /* known IDs as given, with flags; then the found ones */
	uint8_t *marks;         /* NAMES_ bits of each key */
	size_t known, count, cap;
	uint32_t *slots; /* position in keys plus 1; 0 free */
	size_t mask;     /* slots (a power of two) minus 1 */
	uint64_t seeds[2];
};
#define NAMES_QUEUE  0x1fu /* enum queue_name: where it was first found; 0 nowhere */
#define NAMES_READ   0x20u /* its file must be read */
#define NAMES_DOUBLE 0x40u /* a known ID that was given twice; this is the later one */

/* Copies known; if an ID is given twice the first counts. ERR_LIMIT for more than WALK_KNOWN_MAX,
 * -ENOMEM or -errno. Call names_release in any case. */
int names_init(struct names *n, const struct packed_id *known, size_t count) NODISCARD;
void names_release(struct names *n);
/* The position of id, added if missing. ERR_LIMIT: too many. */
int names_find(struct names *n, const struct packed_id *id, size_t *ret) NODISCARD;
bool names_have(const struct names *n, const struct packed_id *id);
/* Bring into the processor's cache what names_find will need: the slot, later its key. */
void names_prefetch(const struct names *n, const struct packed_id *id);
void names_prefetch_key(const struct names *n, const struct packed_id *id);
