/* SPDX-License-Identifier: ISC */
/* What the catch-up's child does. Private to catchup*.c. */
#ifndef PQPURGE_ORDER_CATCHUP_WORK_H
#define PQPURGE_ORDER_CATCHUP_WORK_H

#include "order/catchup.h"

/* What stands in its output: a kind, and what follows it. */
enum catchup_entry {
	ENTRY_FOUND = 1, /* u32 matched, u64 sequence, blob record */
	ENTRY_COUNTS,    /* struct caught_counts; u32 n, n texts; text index_why. The last one. */
};
void catchup_put_found(struct bytes *out, uint32_t matched, uint64_t sequence, struct span record);
void catchup_show(struct catchup_progress *p, size_t done, size_t of);

int catchup_work(const struct catchup_task *task, struct catchup_progress *progress,
    struct bytes *out, struct err *err) NODISCARD;

/* Files that are to be read. */
struct catchup_files {
	const struct catchup_task *task;
	const struct queue_id *(*id)(const void *arg, size_t n);
	const void *arg;
	size_t count;
	const struct update *update; /* its head, where the index is told; or NULL */
	struct index_client *index;
	struct caught_counts *counts;
	struct strbuf *unreadable;
	struct err *index_why;
	struct catchup_progress *progress;
};
/*
 * Reads them, part by part; tells the index; puts out what is meant. Where the index fails,
 * `update` becomes NULL, and what the files say of a first pass was not asked: read them again.
 */
int catchup_read(struct catchup_files *files, struct bytes *out, struct err *err) NODISCARD;

#endif
