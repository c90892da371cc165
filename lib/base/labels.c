/* SPDX-License-Identifier: ISC */
#include "base/labels.h"

#include "base/bytes.h"
#include "base/err.h"

#define SLOTS_FIRST 1024

static size_t find_slot(const struct labels *labels, const char *name)
{
	size_t mask = labels->slot_count - 1;
	size_t slot = (size_t)bytes_hash(name, strlen(name)) & mask;

	while (labels->slots[slot] && strcmp(labels_at(labels, labels->slots[slot] - 1), name) != 0)
		slot = (slot + 1) & mask;
	return slot;
}

static int grow(struct labels *labels)
{
	size_t more = labels->slot_count ? labels->slot_count * 2 : SLOTS_FIRST;
	size_t *begin = realloc(labels->begin, more / 2 * sizeof(*begin));
	uint32_t *slots;

	if (!begin)
		return -ENOMEM;
	labels->begin = begin;
	if (labels->value_size) {
		size_t old = labels->slot_count / 2 * labels->value_size;
		size_t size = more / 2 * labels->value_size;
		char *values = realloc(labels->values, size);

		if (!values)
			return -ENOMEM;
		memset(values + old, 0, size - old);
		labels->values = values;
	}
	slots = calloc(more, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(labels->slots);
	labels->slots = slots;
	labels->slot_count = more;
	for (size_t i = 0; i < labels->count; i++)
		slots[find_slot(labels, labels_at(labels, i))] = (uint32_t)i + 1;
	return 0;
}

int labels_number(struct labels *labels, const char *name, size_t max, size_t *ret)
{
	if (labels->count * 2 >= labels->slot_count && grow(labels) < 0)
		return -ENOMEM;
	size_t slot = find_slot(labels, name);
	if (!labels->slots[slot]) {
		if (labels->count >= (max ? max : LABELS_MAX))
			return ERR_LIMIT;
		labels->begin[labels->count] = labels->text.len;
		strlist_push(&labels->text, name, strlen(name));
		if (labels->text.failed)
			return -ENOMEM;
		labels->slots[slot] = (uint32_t)++labels->count;
	}
	*ret = labels->slots[slot] - 1;
	return 0;
}

const char *labels_at(const struct labels *labels, size_t number)
{
	return labels->text.text + labels->begin[number];
}

void *labels_sort(struct labels *labels, int (*compare)(const void *, const void *))
{
	for (size_t i = 0; i < labels->count; i++) {
		const char *name = labels_at(labels, i);
		memcpy((char *)labels->values + i * labels->value_size, &name, sizeof(name));
	}
	if (labels->count)
		qsort(labels->values, labels->count, labels->value_size, compare);
	return labels->values;
}

int labels_by_count(const void *left, const void *right)
{
	const struct {
		const char *name;
		uint64_t count;
	} *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

void labels_release(struct labels *labels)
{
	strbuf_release(&labels->text);
	free(labels->begin);
	free(labels->values);
	free(labels->slots);
	*labels = (struct labels){0};
}
