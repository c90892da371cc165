/* SPDX-License-Identifier: ISC */
#include "postfix/spool/names.h"

#include <sys/random.h>

#include "base/err.h"
#include "postfix/spool/walk.h"

#define SLOTS_MIN 4096

static uint64_t time_of(const struct packed_id *id)
{
	return id->time & ~PACKED_ID_FLAGS;
}

/* Seeded, because the daemon chooses the known IDs and could make them all collide. */
static size_t slot_of(const struct names *n, const struct packed_id *id)
{
	unsigned __int128 product =
	    (unsigned __int128)(time_of(id) ^ n->seeds[0]) * (id->inode ^ n->seeds[1]);

	return ((size_t)product ^ (size_t)(product >> 64)) & n->mask;
}

static bool is_at(const struct names *n, uint32_t slot, const struct packed_id *id)
{
	const struct packed_id *key = &n->keys[slot - 1];

	return key->inode == id->inode && time_of(key) == time_of(id);
}

static uint32_t *find_slot(const struct names *n, const struct packed_id *id)
{
	size_t at = slot_of(n, id);

	while (n->slots[at] && !is_at(n, n->slots[at], id))
		at = (at + 1) & n->mask;
	return &n->slots[at];
}

void names_prefetch(const struct names *n, const struct packed_id *id)
{
	__builtin_prefetch(&n->slots[slot_of(n, id)]);
}

/* At most half of the slots are used. */
static int spread(struct names *n, size_t count)
{
	size_t slots = SLOTS_MIN;

	while (slots < 2 * count)
		slots *= 2;
	free(n->slots);
	n->slots = calloc(slots, sizeof(*n->slots));
	if (!n->slots)
		return -ENOMEM;
	n->mask = slots - 1;
	for (size_t at = 0; at < n->count; at++) {
		uint32_t *slot = find_slot(n, &n->keys[at]);

		if (*slot == 0)
			*slot = (uint32_t)at + 1;
		else
			n->marks[at] = NAMES_DOUBLE;
	}
	return 0;
}

static int make_room(struct names *n, size_t cap)
{
	struct packed_id *keys = reallocarray(n->keys, cap, sizeof(*keys));
	uint8_t *marks;

	if (!keys)
		return -ENOMEM;
	n->keys = keys;
	marks = realloc(n->marks, cap);
	if (!marks)
		return -ENOMEM;
	n->marks = marks;
	n->cap = cap;
	return 0;
}

int names_init(struct names *n, const struct packed_id *known, size_t count)
{
	*n = (struct names){.known = count, .count = count};
	if (count > WALK_KNOWN_MAX)
		return ERR_LIMIT;
	if (getrandom(n->seeds, sizeof(n->seeds), 0) != (ssize_t)sizeof(n->seeds))
		return -errno;
	int code = make_room(n, count + SLOTS_MIN);
	if (code < 0)
		return code;
	if (count > 0)
		memcpy(n->keys, known, count * sizeof(*known));
	memset(n->marks, 0, count);
	return spread(n, count);
}

void names_release(struct names *n)
{
	free(n->keys);
	free(n->marks);
	free(n->slots);
	*n = (struct names){0};
}

void names_prefetch_key(const struct names *n, const struct packed_id *id)
{
	uint32_t slot = n->slots[slot_of(n, id)];

	if (slot > 0) {
		__builtin_prefetch(&n->keys[slot - 1]);
		__builtin_prefetch(&n->marks[slot - 1], 1);
	}
}

static int add(struct names *n, const struct packed_id *id)
{
	int code = 0;

	if (n->count - n->known >= WALK_NAMES_MAX)
		return ERR_LIMIT;
	if (n->count == n->cap)
		code = make_room(n, n->cap + n->cap / 2);
	if (code < 0)
		return code;
	n->keys[n->count] = *id;
	n->marks[n->count++] = 0;
	if (2 * n->count > n->mask + 1)
		return spread(n, n->count);
	*find_slot(n, id) = (uint32_t)n->count;
	return 0;
}

bool names_have(const struct names *n, const struct packed_id *id)
{
	return *find_slot(n, id) > 0;
}

int names_find(struct names *n, const struct packed_id *id, size_t *ret)
{
	uint32_t slot = *find_slot(n, id);

	*ret = slot > 0 ? slot - 1 : n->count;
	return slot > 0 ? 0 : add(n, id);
}
