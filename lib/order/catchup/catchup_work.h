/* SPDX-License-Identifier: ISC */
/*
 * The catch-up's child. Its output is a selection (index/rows/select.h), struct sync_counts, u32 n,
 * n texts, text index_why, and u32, the length of all behind the selection. Private to catchup*.c.
 */
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
	bool index_answers;   /* the index has answered */
	bool telling;         /* it is told */
	struct packed_id *left;
	size_t left_count;
	struct selection found;
};
int catchup_work(struct catchup_work *w, struct bytes *out, struct err *err) NODISCARD;

/*
 * Reads the task's files, or what the walk found, part by part, tells the index, and puts what is
 * meant into `found`. If the index fails, `telling` becomes false; read again then, for what the
 * files say of a first pass was left to the index.
 */
int catchup_read(struct catchup_work *w, struct err *err) NODISCARD;
