/* SPDX-License-Identifier: ISC */
/* Distinct names: a hash table with open addressing, at most half full. */
#include "purge/tell/names.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/err.h"

#define SLOTS_FIRST 1024

/* The slot that holds name, or the free one where it belongs. */
static size_t find_slot(const struct names *names, const char *name)
{
	size_t mask = names->slot_count - 1;
	size_t slot = (size_t)bytes_hash(name, strlen(name)) & mask;

	while (names->slots[slot] && strcmp(names_at(names, names->slots[slot] - 1), name) != 0)
		slot = (slot + 1) & mask;
	return slot;
}

/* Twice as many slots. What was there is put into the new ones. */
static int grow(struct names *names)
{
	size_t more = names->slot_count ? names->slot_count * 2 : SLOTS_FIRST;
	size_t *begin = realloc(names->begin, more / 2 * sizeof(*begin));
	uint32_t *slots;

	if (!begin)
		return -ENOMEM;
	names->begin = begin;
	slots = calloc(more, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(names->slots);
	names->slots = slots;
	names->slot_count = more;
	for (size_t i = 0; i < names->count; i++)
		slots[find_slot(names, names_at(names, i))] = (uint32_t)i + 1;
	return 0;
}

int names_number(struct names *names, const char *name, size_t max, size_t *ret)
{
	size_t slot;

	if (names->count * 2 >= names->slot_count && grow(names) < 0)
		return -ENOMEM;
	slot = find_slot(names, name);
	if (!names->slots[slot]) {
		if (names->count >= (max ? max : NAMES_MAX))
			return ERR_LIMIT;
		names->begin[names->count] = names->text.len;
		strlist_push(&names->text, name, strlen(name));
		if (names->text.failed)
			return -ENOMEM;
		names->slots[slot] = (uint32_t)++names->count;
	}
	*ret = names->slots[slot] - 1;
	return 0;
}

const char *names_at(const struct names *names, size_t number)
{
	return names->text.text + names->begin[number];
}

void names_release(struct names *names)
{
	strbuf_release(&names->text);
	free(names->begin);
	free(names->slots);
	*names = (struct names){0};
}
