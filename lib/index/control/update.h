/* SPDX-License-Identifier: ISC */
/* The body of an update: what a catch-up (lib/order) tells the index. */
#pragma once

#include "index/index.h"

struct update {
	struct queue_place place; /* of the walked queue directory */
	const char *queue_directory, *hostname;
	/* the index now belongs to this place; an empty index always adopts */
	bool adopt;
	int64_t began; /* wall: before anything was read */
	int64_t whole; /* wall: start of the whole catch-up that this update completes; 0 = none */
	struct span records; /* made by update_add */
	uint32_t record_count;
	const struct packed_id *left; /* in no queue. Not set by update_decode */
	uint32_t left_count;
	const unsigned char *packed; /* use update_left */
};

/* Adds one queue file's message, which has no given half. */
void update_add(struct bytes *records, const struct message *m);
/* Appends the whole body to out. */
void update_encode(const struct update *u, struct bytes *out);

/* Views body. ERR_SYNTAX. */
int update_decode(struct span body, struct update *ret) NODISCARD;
/* The next record, unchecked: 1, 0 at the end. *at starts at 0. */
int update_next(const struct update *u, size_t *at, struct span *ret);
struct packed_id update_left(const struct update *u, uint32_t n);
