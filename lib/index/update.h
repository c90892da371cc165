/* SPDX-License-Identifier: ISC */
/*
 * The body of an update: what a catch-up tells the index. Made by the walk (lib/order), taken apart
 * here; both ends check it.
 */
#ifndef PQPURGE_INDEX_UPDATE_H
#define PQPURGE_INDEX_UPDATE_H

#include "index/index.h"

struct update {
	struct queue_place place; /* of the queue directory that was walked */
	const char *queue_directory, *hostname;
	/* The rows are this place's from now on. The first update of an index adopts in any case.
	 */
	bool adopt;
	int64_t began; /* wall: before the first name or file was read */
	int64_t whole; /* wall: begin of the whole catch-up that this update ends; 0 = of none */
	struct span records; /* filled by update_add */
	uint32_t record_count;
	const struct packed_id *left; /* in no queue; flags are ignored. Not set by update_decode */
	uint32_t left_count;
	const unsigned char *packed; /* update_decode's */
};

/* Adds what was read of one queue file to records: m has no given half. */
void update_add(struct bytes *records, const struct message *m);
/* The whole body, appended to out. */
void update_encode(const struct update *u, struct bytes *out);

/* Views body; what left is taken by update_left. ERR_SYNTAX. */
int update_decode(struct span body, struct update *ret) NODISCARD;
/* The next record: 1, 0 at the end. *at starts at 0. Not checked beyond its length. */
int update_next(const struct update *u, size_t *at, struct span *ret);
struct packed_id update_left(const struct update *u, uint32_t n);

#endif
