/* SPDX-License-Identifier: ISC */
/*
 * What the catch-up's child does. Its output is a selection (index/rows/select.h), and behind it
 * struct sync_counts, u32 n, n texts, text index_why, u32 the length of all these. Private to
 * catchup*.c.
 */
#ifndef PQPURGE_ORDER_CATCHUP_WORK_H
#define PQPURGE_ORDER_CATCHUP_WORK_H

#include "index/rows/select.h"
#include "order/catchup.h"
#include "postfix/spool/walk.h"

/* One writer, the child; one reader. */
struct catchup_progress {
	_Atomic size_t done, of;
};

struct catchup_work {
	const struct catchup_task *task;
	struct catchup_progress *progress;
	struct index_client index;
	struct client_names names; /* none where the index is not asked */
	struct walked walked;
	struct sync_counts counts;
	struct strbuf unreadable;
	struct err index_why;
	struct update update;     /* the head of all updates */
	struct packed_id *unread; /* a copy of names.list without marks, where it is distrusted */
	bool asked;               /* the index has answered */
	bool telling;             /* it is told */
	struct packed_id *left;
	size_t left_count;
	struct selection found;
};
int catchup_work(struct catchup_work *w, struct bytes *out, struct err *err) NODISCARD;

/*
 * Reads the task's files, or else what the walk found, part by part; tells the index; what is meant
 * goes into `found`. Where the index fails, `telling` becomes false, and what the files say of a
 * first pass was not asked: read them again.
 */
int catchup_read(struct catchup_work *w, struct err *err) NODISCARD;
#endif
