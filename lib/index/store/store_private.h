/* SPDX-License-Identifier: ISC */
/* Only for store.c and store_open.c, which call LMDB (0.9.24 in Debian 12). Plain tables only:
 * MDB_DUPSORT and MDB_CURRENT have known bugs in 0.9.24. Never MDB_WRITEMAP: on a full file system
 * its writes are a SIGBUS, while pwrite(2) returns an error. The map is never resized. Nothing is
 * synced, because the file is valid only until the machine boots. */
#pragma once

#include <lmdb.h>
#include <stdatomic.h>

#include "index/store/store.h"

struct store {
	MDB_env *env;
	/* The last one is the list of free pages, always 0 (mdb.c). */
	MDB_dbi tables[STORE_TABLE_COUNT + 1];
	int fd; /* LMDB's descriptor of the data file */
	char *path;
	atomic_bool damaged, stale;
	atomic_bool touched;             /* the file's bytes changed without a commit */
	size_t opened;                   /* number of the last transaction before the opening */
	const struct store_watch *watch; /* may be NULL */
};

/* An error of LMDB as a code with words. what: "to write to", "to open". */
int store_fail(struct store *s, int rc, const char *what, struct err *err);
