/* SPDX-License-Identifier: ISC */
/*
 * Whose the index is: the owner of its data file, or of the directory while there is none. What
 * reads or writes an index is a child that is this user.
 *
 * The directory's owner could put a file of root's into it (a hard link, say), and have root's
 * child follow links of his beside it. So an index is root's only where nobody else can write to
 * its directory.
 */
#ifndef PQPURGE_INDEX_OWNER_H
#define PQPURGE_INDEX_OWNER_H

#include "base/role.h"

/*
 * what: "read" or "write", for the words. needs_file: a directory without a data file is
 * ERR_NO_INDEX, as one that is not there. -EACCES where the caller is neither root nor the owner,
 * and where the file is root's in a directory that others can write to.
 */
int owner_find(const char *directory, const char *what, bool needs_file, struct role *ret,
    struct err *err) NODISCARD;
/* ERR_NO_INDEX with words. */
int owner_no_index(const char *directory, struct err *err);

#endif
