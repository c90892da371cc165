/* SPDX-License-Identifier: ISC */
/* Shared by the torture programs: repeatable chance, a directory of their own, messages. */
#ifndef PQPURGE_TESTS_TORTURE_H
#define PQPURGE_TESTS_TORTURE_H

#include <ftw.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/message.h"

#define require(condition, ...)                                                                    \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s; ", __FILE__, __LINE__, #condition);    \
			fprintf(stderr, __VA_ARGS__);                                              \
			fputc('\n', stderr);                                                       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* xorshift64*: the same seed gives the same history. */
static inline uint64_t chance(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(2685821657736338717);
}

static inline uint64_t below(uint64_t *seed, uint64_t limit)
{
	return (chance(seed) >> 11) % limit;
}

static inline bool one_in(uint64_t *seed, uint64_t n)
{
	return below(seed, n) == 0;
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void remove_tree(const char *directory)
{
	(void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct queue_id short_id(uint32_t usec, uint64_t inode)
{
	struct queue_id id;
	char text[64];
	int len = snprintf(text, sizeof(text), "%05X%" PRIX64, (unsigned)usec, inode);

	require(queue_id_parse(text, (size_t)len, &id) == 0, "%s", text);
	return id;
}

#endif
