/* SPDX-License-Identifier: ISC */
/* Private to lib/order/catchup: its child. The output: a selection (index/rows/select.h), struct
 * sync_counts, u32 n, n texts, text index_why, and u32, the length of everything after the
 * selection. */
#pragma once

#include "index/rows/select.h"
#include "order/catchup/catchup.h"
#include "postfix/spool/walk.h"

struct catchup_progress {
	_Atomic size_t done, of;
};

struct catchup_work {
	const struct catchup_task *task;
	struct catchup_progress *progress;
	struct index_client index;
	struct client_names names; /* empty if the index is not asked */
	struct walked walked;
	struct sync_counts counts;
	struct strbuf unreadable;
	struct err index_why;
	struct update update; /* the head of all updates */
	bool index_answers;
	bool telling; /* updates are sent to the index */
	struct packed_id *left;
	size_t left_count;
	struct selection found;
};
int catchup_work(struct catchup_work *w, struct bytes *out, struct err *err) NODISCARD;

/* Reads the task's files, or those that the walk found, part by part, tells the index, and adds
 * matches to `found`. If the index fails, `telling` becomes false. Then read again, because the
 * index was to judge what the files say about a first pass. */
int catchup_read(struct catchup_work *w, struct err *err) NODISCARD;
