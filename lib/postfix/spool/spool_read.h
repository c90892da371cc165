/* SPDX-License-Identifier: ISC */
/* Reads many queue files as messages, in two children that run as mail_owner. A child that has
 * SPOOL_READ_PART bytes of output hands them over and ends, and another continues. So neither the
 * number of files nor their content decides how much memory is needed. About 25 us for each
 * file. */
#pragma once

#include "base/role.h"
#include "postfix/file/queue_message.h"
#include "postfix/spool/queue.h"

#define SPOOL_READ_PART  (16u << 20) /* of output, at which a child ends */
#define SPOOL_READ_NAMED 20          /* unreadable files that are listed by name */

/* The nth name to read. Called in a child. */
typedef const struct queue_id *spool_read_get(void *arg, size_t n);
/* Called in a child for each complete, readable file. The parent gets what it writes to out. */
typedef void spool_read_take(void *arg, size_t n, const struct queue_message *m, struct bytes *out);
/* Called in the parent with the output of many takes, in any order. Check the bytes: the child is
 * not trusted. A negative code ends the reading. */
typedef int spool_read_give(void *arg, struct span part, struct err *err);

struct spool_reading {
	spool_read_get *get;
	spool_read_take *take;
	spool_read_give *give;
	void *arg; /* for all three callbacks */
	size_t count;
	size_t max_recipients;            /* kept of each message */
	const struct selector *selector;  /* for queue_message.mailboxes; may be NULL */
	const struct net_block *networks; /* own_networks, for queue_host; may be NULL */
	size_t network_count;
	void (*progress)(void *arg, size_t done); /* called in the parent; may be NULL */
	/* Results, without files that left the queue meanwhile. */
	uint64_t read;
	uint64_t arriving;              /* incomplete: Postfix still writes them */
	uint64_t maildrop;              /* complete files in maildrop, which are not read */
	uint64_t unreadable;            /* complete files that could not be read as messages */
	struct strbuf unreadable_names; /* packed list: "deferred/A/ABC: Permission denied" */
};

int spool_read(const struct postfix *p, struct spool_reading *r, struct err *err) NODISCARD;
void spool_reading_release(struct spool_reading *r); /* frees only its strings */
