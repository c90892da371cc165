/* SPDX-License-Identifier: ISC */
/* Changes of the index for bench_index: recorded rows, and a catch-up's report. */
#pragma once

#include <pthread.h>

#include "tests/bench/index_messages.h"

#define UPDATE_MAX 20000 /* records in one update */

/* ---- taking in */

struct filler {
	pthread_t thread;
	struct index *ix;
	uint64_t first, count;
};

static inline void *fill_some(void *arg)
{
	struct filler *f = arg;
	struct made made = {0};
	struct err err;

	for (uint64_t n = f->first; n < f->first + f->count; n++) {
		make(n, false, &made);
		if (index_record(f->ix, &made.m, &err) != 0)
			die("record", &err);
	}
	release(&made);
	return NULL;
}

static inline void usage(struct index *ix)
{
	struct index_counts c;
	struct err err;

	if (index_count(ix, &c, &err) != 0)
		die("count", &err);
	(void)printf(
	    "bytes\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", c.rows, c.used_bytes, c.file_bytes);
}

/* The cost of making a record, which is a part of `fill`. */
static inline void make_only(uint64_t from, uint64_t rows)
{
	struct made made = {0};
	struct since began = begin();

	for (uint64_t n = from; n < from + rows; n++)
		make(n, false, &made);
	tell("make", rows, began);
	release(&made);
}

static inline void fill(struct index *ix, uint64_t from, uint64_t rows, unsigned threads)
{
	struct filler *fillers = calloc(threads, sizeof *fillers);
	struct since began;

	make_only(from, rows < 100000 ? rows : 100000);
	began = begin();
	for (unsigned i = 0; i < threads; i++) {
		fillers[i] = (struct filler){
		    .ix = ix, .first = from + rows / threads * i, .count = rows / threads};
		if (pthread_create(&fillers[i].thread, NULL, fill_some, &fillers[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < threads; i++)
		(void)pthread_join(fillers[i].thread, NULL);
	tell("fill", rows / threads * threads, began);
	free(fillers);
	usage(ix);
}

/* ---- catching up */

static inline void update(struct index *ix, const struct update *u, struct index_updated *sum)
{
	struct bytes body = {0}, out = {0};
	struct index_updated updated;
	struct err err;

	update_encode(u, &body);
	if (index_update(ix, bytes_span(&body), NULL, NULL, INT64_MAX, &out, &updated, &err) != 0)
		die("update", &err);
	sum->completed += updated.completed;
	sum->added += updated.added;
	sum->dropped += updated.dropped;
	bytes_release(&body);
	bytes_release(&out);
}

static inline struct update empty_update(void)
{
	return (struct update){.place = {1, 2},
	    .queue_directory = "/var/spool/postfix",
	    .hostname = "mx.example",
	    .began = INT64_C(1) << 60};
}

static inline void read_part(
    struct index *ix, uint64_t from, uint64_t rows, struct index_updated *sum)
{
	struct update u = empty_update();
	struct bytes records = {0};
	struct made made = {0};

	for (uint64_t n = from; n < from + rows; n++) {
		make(n, true, &made);
		update_add(&records, &made.m);
	}
	u.records = bytes_span(&records);
	u.record_count = (uint32_t)rows;
	update(ix, &u, sum);
	release(&made);
	bytes_release(&records);
}

static inline void read_all(struct index *ix, uint64_t from, uint64_t rows)
{
	struct since began = begin();
	struct index_updated sum = {0};

	for (uint64_t n = 0; n < rows; n += UPDATE_MAX)
		read_part(ix, from + n, rows - n < UPDATE_MAX ? rows - n : UPDATE_MAX, &sum);
	tell(sum.completed >= sum.added ? "complete" : "add", rows, began);
	usage(ix);
}

static inline void leave(struct index *ix, uint64_t from, uint64_t rows)
{
	struct packed_id *left = calloc(rows + 1, sizeof *left);
	struct update u = empty_update();
	struct index_updated sum = {0};
	struct since began;

	for (uint64_t n = 0; n < rows; n++) {
		struct queue_id id;

		make_id(from + n, &id);
		if (queue_id_pack(&id, &left[n]) != 0)
			abort();
	}
	u.left = left;
	u.left_count = (uint32_t)rows;
	began = begin();
	update(ix, &u, &sum);
	tell("leave", sum.dropped, began);
	free(left);
}
