/* SPDX-License-Identifier: ISC */
/* The body of an update, which a catch-up (lib/order) sends to the index. */
#pragma once

#include "index/index.h"

struct update {
	struct queue_place place; /* of the queue directory that was walked */
	const char *queue_directory, *hostname;
	/* The index shall belong to this place from now on, as an empty index does in any case. */

	bool adopt;
	int64_t began; /* wall clock, before anything was read */
	/* Wall clock: start of the complete catch-up that ends with this update; 0 none. */
	int64_t whole;
	struct span records; /* made by update_add */
	uint32_t record_count;
	const struct packed_id *left; /* in no queue; not set by update_decode */
	uint32_t left_count;
	const unsigned char *packed; /* private; use update_left */
};

/* Adds the message of one queue file, which has no given half. */
void update_add(struct bytes *records, const struct message *m);
/* Appends the whole body to out. */
void update_encode(const struct update *u, struct bytes *out);

/* Points into body. Returns 0 or ERR_SYNTAX. */
int update_decode(struct span body, struct update *ret) NODISCARD;
/* Sets *ret to the next record, unchecked. Returns 1, or 0 at the end. *at starts at 0. */
int update_next(const struct update *u, size_t *at, struct span *ret);
struct packed_id update_left(const struct update *u, uint32_t n);
