/* SPDX-License-Identifier: ISC */
/*
 * Reading many queue files as messages, in two children that are mail_owner.
 *
 * A child reads on until its output has SPOOL_READ_PART bytes, hands it over, and another one goes
 * on with the rest, so that neither the length of the queue nor what strangers wrote decides how
 * much memory that takes. About 25 us a file.
 */
#ifndef PQPURGE_POSTFIX_SPOOL_READ_H
#define PQPURGE_POSTFIX_SPOOL_READ_H

#include "base/role.h"
#include "postfix/file/queue_message.h"
#include "postfix/spool/queue.h"

#define SPOOL_READ_PART  (16u << 20) /* bytes of output at which a child ends */
#define SPOOL_READ_NAMED 20          /* files that could not be read, of which the name is told */

/* The nth name to read. Called in a child. */
typedef const struct queue_id *spool_read_get(void *arg, size_t n);
/* Called in a child for each complete file that could be read: the nth. What it puts out is handed
 * over. */
typedef void spool_read_take(void *arg, size_t n, const struct queue_message *m, struct bytes *out);
/*
 * Called in the parent with what take put out, in no certain order. The bytes are what the child
 * says: check them. A negative code ends the reading.
 */
typedef int spool_read_give(void *arg, struct span part, struct err *err);

struct spool_reading {
	spool_read_get *get;
	spool_read_take *take;
	spool_read_give *give;
	void *arg; /* of all three */
	size_t count;
	size_t max_recipients; /* kept of each message */
	const struct selector
	    *selector; /* all From mailboxes are matched; see asked; may be NULL */
	const struct net_block *networks; /* own_networks: see queue_route.h; may be NULL */
	size_t network_count;
	void (*progress)(void *arg, size_t done); /* may be NULL; called in the parent */
	/* Results. What has left meanwhile is in none of them. */
	uint64_t read;
	uint64_t arriving;              /* not complete: Postfix still writes them */
	uint64_t maildrop;              /* complete, and in maildrop: not read */
	uint64_t unreadable;            /* complete files that could not be read as messages */
	struct strbuf unreadable_names; /* packed list: "deferred/A/ABC: Permission denied" */
};

/* Looks for each name in the queues and reads its file. */
int spool_read(const struct postfix *p, struct spool_reading *r, struct err *err) NODISCARD;
void spool_reading_release(struct spool_reading *r); /* only its strings */

#endif
