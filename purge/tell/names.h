/* SPDX-License-Identifier: ISC */
/* Distinct names, numbered from 0 in the order in which they came: what counting by name is made
 * of. */
#ifndef PQPURGE_PURGE_NAMES_H
#define PQPURGE_PURGE_NAMES_H

#include "base/str.h"

/* Zero-initialise. */
struct names {
	struct strbuf text; /* terminated, one behind the other */
	size_t *begin;      /* of each name in text */
	size_t count;
	uint32_t *slots; /* number + 1, by hash; 0 = free */
	size_t slot_count;
};

#define NAMES_MAX ((size_t)50 << 20)

/*
 * The number of name, which is added if it is new. 0, -ENOMEM, or ERR_LIMIT where it is new and
 * there are max already (0: NAMES_MAX).
 */
int names_number(struct names *names, const char *name, size_t max, size_t *ret) NODISCARD;
/* Valid until the next name is added. */
const char *names_at(const struct names *names, size_t number);
void names_release(struct names *names);

#endif
