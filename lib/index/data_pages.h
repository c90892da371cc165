/* SPDX-License-Identifier: ISC */
/*
 * Whether the pages of a data file hold together, before LMDB is let near them: of 200 files with
 * 20 bytes changed, 69 killed the process that had LMDB read them, and a daemon must not die of its
 * index. Knows LMDB's format (version 1, the one of 0.9) but not LMDB itself, and reads by
 * pread(2), so that neither a wrong byte nor a missing page can hurt.
 */
#ifndef PQPURGE_INDEX_DATA_PAGES_H
#define PQPURGE_INDEX_DATA_PAGES_H

#include "base/err.h"

/*
 * Follows every page that the newest meta page leads to: page headers, nodes, the order of keys,
 * counts, overflow pages, and the list of free pages, none of which may be in use or named twice.
 * The caller holds the writer's lock. 0 sound (also where there is no file, or an empty one); 1 no
 * fault found until the steady time `deadline`, when it stopped; ERR_DAMAGED with words, or -errno.
 */
int data_pages_check(const char *directory, int64_t deadline, struct err *err) NODISCARD;

#endif
