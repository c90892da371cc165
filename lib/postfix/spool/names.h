/* SPDX-License-Identifier: ISC */
/*
 * Queue IDs that are known, and the names that a walk finds: each once, in an open-addressing
 * table. 21 bytes for each plus up to 16 of free slots. Private to lib/postfix.
 */
#ifndef PQPURGE_POSTFIX_NAMES_H
#define PQPURGE_POSTFIX_NAMES_H

#include "mail/queue_id.h"
#include "postfix/spool/queue.h"

struct names {
	struct packed_id *keys; /* the known ones as given, with their flags; then what was found */
	uint8_t *marks;         /* for each key: the NAMES_ bits, and where it was found first */
	size_t known, count, cap;
	uint32_t *slots; /* a position in keys and 1, or 0 */
	size_t mask;     /* slots, a power of two, less 1 */
	uint64_t seeds[2];
};
#define NAMES_QUEUE  0x1fu /* enum queue_name; 0: no name stands for it */
#define NAMES_READ   0x20u /* of a known one, or of any with it: it is to be read */
#define NAMES_DOUBLE 0x40u /* a known ID that was given before */

/*
 * Copies known, which may name an ID twice: then the first counts. ERR_LIMIT for more than
 * WALK_KNOWN_MAX, or -ENOMEM. Release it in any case.
 */
int names_init(struct names *n, const struct packed_id *known, size_t count) NODISCARD;
void names_release(struct names *n);
/* The position of id, which is put there where it was not: 0 or a code. */
int names_find(struct names *n, const struct packed_id *id, size_t *ret) NODISCARD;
bool names_have(const struct names *n, const struct packed_id *id);
/* Bring what names_find will need into the processor's cache: first its slot, later what that
 * names.
 */
void names_prefetch(const struct names *n, const struct packed_id *id);
void names_prefetch_key(const struct names *n, const struct packed_id *id);

#endif
