/* SPDX-License-Identifier: ISC */
/* For store.c and store_open.c alone, which know LMDB (0.9.24 in Debian 12). Plain tables only:
 * MDB_DUPSORT and MDB_CURRENT have known bugs in 0.9.24. Never MDB_WRITEMAP: on a full file system
 * its writes are a SIGBUS, while pwrite(2) returns an error. The map is never resized. Nothing is
 * synced, because the file is valid only until the machine boots. */
#pragma once

#include <lmdb.h>
#include <stdatomic.h>

#include "index/store/store.h"

struct store {
	MDB_env *env;
	MDB_dbi tables[STORE_TABLE_COUNT + 1]; /* the last: free pages, always 0 (mdb.c) */
	int fd;                                /* LMDB's descriptor of the data file */
	char *path;
	atomic_bool damaged, stale;
	size_t opened;                   /* the last transaction before it was opened */
	const struct store_watch *watch; /* may be NULL */
};

/* The code and the words of an error of LMDB. what: "to write to", "to open". */
int store_fail(struct store *s, int rc, const char *what, struct err *err);
