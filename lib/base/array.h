/* SPDX-License-Identifier: ISC */
/* Growing arrays: structs with list, count and cap, all zero at first. */
#pragma once

#include "base/base.h"

#define ARRAY_OF(type)                                                                             \
	struct {                                                                                   \
		type *list;                                                                        \
		size_t count, cap;                                                                 \
	}

/* Makes room for count elements of size bytes. Returns the array, which may have moved, or NULL if
 * out of memory, with nothing changed. */
static inline void *array_room(void *list, size_t count, size_t *cap, size_t size)
{
	size_t more = *cap ? 2 * *cap : 64;
	void *moved;

	if (count <= *cap)
		return list;
	while (more < count)
		more *= 2;
	moved = reallocarray(list, more, size);
	if (moved)
		*cap = more;
	return moved;
}

#define array_sort(a, compare)                                                                     \
	((a)->count > 1 ? qsort((a)->list, (a)->count, sizeof(*(a)->list), compare) : (void)0)

/* Appends a value. Returns 0 or -ENOMEM. typeof: clang-tidy suspects a pointer's sizeof. */
#define array_add(a, ...)                                                                          \
	({                                                                                         \
		typeof((a)->list) list_ =                                                          \
		    array_room((a)->list, (a)->count + 1, &(a)->cap, sizeof(typeof(*(a)->list)));  \
		if (list_) {                                                                       \
			(a)->list = list_;                                                         \
			list_[(a)->count++] = (__VA_ARGS__);                                       \
		}                                                                                  \
		list_ ? 0 : -ENOMEM;                                                               \
	})
