/* SPDX-License-Identifier: ISC */
#include "index/census/arrivals.h"

#define SHIFT_MAX 24 /* 4^12 minutes, 32 years */

/* The block of a minute has 1 << shift minutes. Its age depends on its end, which all its minutes
 * share, so blocks never overlap. */
static unsigned shift_of(uint32_t minute, uint32_t now)
{
	unsigned shift = 0;

	for (unsigned next = 2; next <= SHIFT_MAX; next += 2) {
		uint64_t end = (((uint64_t)minute >> next) + 1) << next;

		if (end + (UINT64_C(4) << next) > now)
			break;
		shift = next;
	}
	return shift;
}

static uint32_t block_of(uint32_t minute, uint32_t now)
{
	unsigned shift = shift_of(minute, now);

	return minute >> shift << shift;
}

uint32_t arrivals_width(const struct arrivals *a, const struct arrival *block)
{
	return UINT32_C(1) << shift_of(block->minute, a->now);
}

void arrivals_settle(struct arrivals *a, uint32_t now)
{
	uint16_t kept = 0;

	if (now <= a->now)
		return;
	a->now = now;
	for (uint16_t i = 0; i < a->count; i++) {
		struct arrival block = a->list[i];

		block.minute = block_of(block.minute, now);
		if (kept > 0 && a->list[kept - 1].minute == block.minute)
			a->list[kept - 1].count += block.count;
		else
			a->list[kept++] = block;
	}
	a->count = kept;
}

static uint16_t first_from(const struct arrivals *a, uint32_t minute)
{
	uint16_t low = 0, high = a->count;

	if (high > 0 && a->list[high - 1].minute < minute)
		return high;
	while (low < high) {
		uint16_t middle = (uint16_t)((low + high) / 2);

		if (a->list[middle].minute < minute)
			low = (uint16_t)(middle + 1);
		else
			high = middle;
	}
	return low;
}

static int make_room(struct arrivals *a)
{
	uint16_t more = a->cap ? (uint16_t)(a->cap * 2) : 1;
	struct arrival *list;

	if (a->count < a->cap)
		return 0;
	list = reallocarray(a->list, more, sizeof(*list));
	if (!list)
		return -ENOMEM;
	a->list = list;
	a->cap = more;
	return 0;
}

int arrivals_add(struct arrivals *a, uint32_t minute, uint32_t now)
{
	arrivals_settle(a, now);
	minute = block_of(minute < a->now ? minute : a->now, a->now);
	uint16_t at = first_from(a, minute);

	if (at < a->count && a->list[at].minute == minute) {
		a->list[at].count++;
		return 0;
	}
	if (make_room(a) < 0)
		return -ENOMEM;
	memmove(a->list + at + 1, a->list + at, (size_t)(a->count - at) * sizeof(*a->list));
	a->list[at] = (struct arrival){.minute = minute, .count = 1};
	a->count++;
	return 0;
}

void arrivals_remove(struct arrivals *a, uint32_t minute, uint32_t now)
{
	arrivals_settle(a, now);
	uint16_t at = first_from(a, block_of(minute, a->now));

	if (a->count == 0)
		return;
	if (at == a->count)
		at--;
	if (--a->list[at].count == 0) {
		a->count--;
		memmove(a->list + at, a->list + at + 1, (size_t)(a->count - at) * sizeof(*a->list));
	}
}

void arrivals_release(struct arrivals *a)
{
	free(a->list);
	*a = (struct arrivals){0};
}
