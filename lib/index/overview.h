/* SPDX-License-Identifier: ISC */
/* The index as a whole: how much it holds, since when, and whose it is. Read in a child, as
 * index_read does. */
#ifndef PQPURGE_INDEX_OVERVIEW_H
#define PQPURGE_INDEX_OVERVIEW_H

#include "index/synced.h"

/* Zero-initialise. */
struct overview {
	uint64_t messages;
	int64_t oldest; /* mail_time of the oldest message, wall microseconds; 0 = there is none */
	uint64_t used_bytes, map_bytes, file_bytes;
	struct coverage_row *coverage;
	size_t coverage_count;
	struct synced synced; /* the last sync's count; time 0 = there is none */
	int64_t last_sign;    /* the run file's time; 0 = there is none */
	/* Of the Postfix instance that it belongs to; "" = not known yet. */
	char *queue_directory, *hostname;
};

/* Errors are index_read's. */
int overview_read(const char *directory, struct overview *ret, struct err *err) NODISCARD;
void overview_release(struct overview *o);

/* The instance alone: 1 and two strings (each to be freed), 0 where it is not known yet, or an
 * error of index_read. */
int overview_instance(const char *directory, char **ret_queue_directory, char **ret_hostname,
    struct err *err) NODISCARD;

#endif
