/* SPDX-License-Identifier: ISC */
/* Numbers distinct names from 0 in the order in which they come, to count by name. */
#pragma once

#include "base/str.h"

struct labels {
	struct strbuf text;
	size_t *begin; /* offsets in text */
	size_t count;
	void *values;      /* value_size bytes for each name, zero at first */
	size_t value_size; /* set by the caller; may be 0 */
	uint32_t *slots;   /* number + 1, by hash; 0: free */
	size_t slot_count;
};

#define LABELS_MAX ((size_t)50 << 20)

/* Finds or adds name. ERR_LIMIT if there are max other names already (0: LABELS_MAX). */
int labels_number(struct labels *labels, const char *name, size_t max, size_t *ret) NODISCARD;
/* Valid until the next name is added. */
const char *labels_at(const struct labels *labels, size_t number);
/* After the counting: sets the first member of each value, a const char *, to its name, sorts the
 * values, and returns them. */
void *labels_sort(struct labels *labels, int (*compare)(const void *, const void *));
/* Compares values that begin with a name and a 64-bit count: the most frequent first, then by
 * name. */
int labels_by_count(const void *left, const void *right);
void labels_release(struct labels *labels);
