/* SPDX-License-Identifier: ISC */
/* Arrays that grow. Private to lib/order. */
#ifndef PQPURGE_ORDER_GROW_H
#define PQPURGE_ORDER_GROW_H

#include "base/base.h"

/* list, or where it has moved to, with room for one more element of size; *cap is how many fit.
 * NULL: no memory, and list is as it was. */
static inline void *grown(void *list, size_t count, size_t *cap, size_t size)
{
	size_t more = *cap ? 2 * *cap : 64;
	void *moved;

	if (count < *cap)
		return list;
	moved = realloc(list, more * size);
	if (moved)
		*cap = more;
	return moved;
}

#endif
