/* SPDX-License-Identifier: ISC */
/*
 * The index and the queue side by side: all rows against all names that a walk over the queue
 * found, in memory, in one pass. Says which rows no name stands for, which names no row stands for,
 * and hands out rows whose file shall be looked at. Decides nothing: names only nominate.
 */
#ifndef PQPURGE_INDEX_JOIN_H
#define PQPURGE_INDEX_JOIN_H

#include "index/request.h"
#include "index/rows/select.h"

/* What to join with. */
struct join_task {
	const struct queue_id *names; /* each once */
	size_t count;
	int64_t now;      /* wall microseconds */
	int64_t patience; /* a row whose message ended no longer ago is left alone */
	uint64_t share;   /* hand out each row whose sequence is turn modulo share; 1 all, 0 none */
	uint64_t turn;
	bool notices; /* also rows that may be those of Postfix's own notices */
};

/* Why a row was handed out: bits of candidate.matched. */
enum join_reason {
	JOIN_SHARE = 1u << 0,
	JOIN_NOTICE = 1u << 1, /* null sender, and no client brought it */
};

struct join {
	uint64_t rows, young;         /* all; those without a name that are left alone */
	struct request_row *nameless; /* in sequence order */
	size_t nameless_count;
	uint32_t *unknown; /* positions in names, ascending */
	size_t unknown_count;
	struct candidates named; /* rows that have a name and were asked for */
};

/* In a child. Errors are index_select's. Zero-initialise ret and release it in every case. */
int index_join(const char *directory, const struct join_task *task, struct join *ret,
    struct err *err) NODISCARD;
void join_release(struct join *join);

/* What the child does, and the parent's view of what it hands over (memory is taken over); for
 * tests. */
int join_into(struct store *store, const struct join_task *task, struct bytes *out,
    struct err *err) NODISCARD;
int join_view(struct blob *memory, size_t names, struct join *ret, struct err *err) NODISCARD;

#endif
