/* SPDX-License-Identifier: ISC */
/*
 * The journal: where a record lies on disk first, until the store has it. One commit of LMDB writes
 * a dozen pages and waits for the disk twice; the journal appends to a file that has its blocks
 * already, and waits once. The writer puts its records into the store each second, or when the
 * journal is full, in one transaction that notes the number of the last one (META "journal"), and
 * begins the file anew from its start.
 *
 * A frame: checksum of what follows, number, length of the record, record; numbers rise by one.
 * What counts are the frames from the start of the file on whose checksums are right and whose
 * numbers follow each other: the run. Zeros end it, or a torn write. Of the run the store lacks
 * what comes after META "journal".
 *
 * Readers see both: their store has the run laid over it (store_overlay.h), so that what was
 * recorded is found at once, whether or not a daemon runs. After a kill, who opens the index next
 * replays the run.
 */
#ifndef PQPURGE_INDEX_JOURNAL_H
#define PQPURGE_INDEX_JOURNAL_H

#include "index/store_overlay.h"

#define JOURNAL_FILE "journal"
/* Near two hundred records: a few milliseconds for the transaction that takes them. */
#define JOURNAL_BYTES (UINT64_C(64) << 10)

struct journal;

/*
 * Opens directory's journal for the one writer. appending: makes the file (0600) and fills it, so
 * that its blocks are there; where that fails (a full disk), what the file holds is replayed all
 * the same, and nothing is appended. An error: there is one, and it cannot be read.
 */
int journal_open(
    const char *directory, bool appending, struct journal **ret, struct err *err) NODISCARD;
/* NULL is fine. What is in the file stays there. */
void journal_close(struct journal *j);

/* Adds a record (record_encode) to the batch that journal_commit ends. */
void journal_stage(struct journal *j, struct span record);
/*
 * Ends the batch. 0: all of it is on disk, and readers see it. ERR_FULL: it has no room, or there
 * is no file to write to, or j is NULL. -errno, ERR_STALE (the file was removed or cut short). On
 * failure it may be in the file or not, and the caller puts its records into the store itself.
 */
int journal_commit(struct journal *j) NODISCARD;

/* Records that the store does not have yet. */
size_t journal_count(const struct journal *j);
/* Puts them into the store, under the transaction's sticky code. */
void journal_replay(struct journal *j, struct txn *txn);
/* That transaction is committed: the file is free for new ones. */
void journal_rewind(struct journal *j);
/* Now and then: makes the file anew where it is gone, cut short, or could not be made. */
void journal_tend(struct journal *j);

/*
 * For readers: what the journal of directory, whose name lives as long as the store, holds beyond
 * the store. The file is read before the store's snapshot is taken, so its writer may do what it
 * likes meanwhile: what it begins to write over, it has put into the store before.
 */
struct overlay_source journal_overlay(const char *directory);

#endif
