/* SPDX-License-Identifier: ISC */
/*
 * Selection: which records a selector means. Where every author pattern is a domain or an address,
 * candidates come from author keys (cost follows matches); from --id they come by the inode table;
 * everything else filters all records in one pass. A selection costs a read transaction for each of
 * a few threads, in a child that is the index's owner; the parent gets copies.
 */
#ifndef PQPURGE_INDEX_SELECT_H
#define PQPURGE_INDEX_SELECT_H

#include "index/rows/candidate.h"
#include "index/store.h"
#include "mail/selector.h"

/* In this process, into out: what the child does, and what tests and fuzzing call. */
int select_into(struct store *store, const struct selector *selector, struct bytes *out,
    struct err *err) NODISCARD;
/*
 * Takes memory over, whatever comes of it. Every record is checked; what is damaged is counted.
 */
int select_view(struct blob *memory, struct candidates *ret, struct err *err) NODISCARD;

/*
 * In a child. ERR_NO_INDEX, ERR_VERSION, ERR_DAMAGED (the child died reading), -EACCES, with words
 * that say what to do.
 */
int index_select(const char *directory, const struct selector *selector, struct candidates *ret,
    struct err *err) NODISCARD;

/*
 * Which of ids the index does not know: *ret_unknown gets a malloc'd array of positions in ids,
 * ascending. In a child. An ID is known only if the row that its inode names carries exactly this
 * ID.
 */
int index_unknown(const char *directory, const struct queue_id *ids, size_t count,
    uint32_t **ret_unknown, size_t *ret_count, struct err *err) NODISCARD;

/*
 * Opens the index for reading: its store with what its journal holds over it. As the owner, for
 * LMDB's readers write to its lock file. directory must live as long as the store.
 */
int index_open(const char *directory, struct store **ret, struct err *err) NODISCARD;
/*
 * Calls work on a read-only store in a child that is the owner of the data file (root where root
 * owns it); what the other readers are made of. They may be called by root or by that owner.
 * ERR_STALE: the index was replaced meanwhile.
 */
typedef int index_read_work(struct store *store, void *arg, struct bytes *out, struct err *err);
int index_read(const char *directory, index_read_work *work, void *arg, struct blob *ret,
    struct err *err) NODISCARD;

#endif
