/* SPDX-License-Identifier: ISC */
/*
 * The spool, looked at as mail_owner in a child: where a queue ID lies now, and the proof that the file there is the
 * recorded message. Files are opened O_NOFOLLOW|O_NONBLOCK and must be regular.
 *
 * A message moves while we look: one pass in flow order can miss it once in a million; two passes have not been seen to.
 * PROOF_GONE therefore means two looks in all queues in flow order.
 */
#ifndef PQPURGE_POSTFIX_SPOOL_H
#define PQPURGE_POSTFIX_SPOOL_H

#include "mail/identity.h"
#include "postfix/queue.h"

enum proof_state {
	PROOF_GONE,     /* in no queue */
	PROOF_ARRIVING, /* there with owner mode 0600: Postfix is still writing it; postsuper does not see it */
	PROOF_SAME,     /* proven to be the recorded message */
	PROOF_CHANGED,  /* see enum judgement */
	PROOF_UNPROVEN,
	PROOF_ERROR,    /* could not be read; `error` */
};

struct proof {
	uint8_t state; /* enum proof_state */
	uint8_t queue; /* enum queue_name; 0 when gone */
	int32_t error; /* -errno or ERR_SYNTAX for PROOF_ERROR */
	int64_t arrival_time;
	int64_t size;
	uint64_t inode;
};

/* In this process (which must be able to read the spool): one message. recorded->queue_id names the file. */
void spool_prove_one(const struct postfix *p, int queue_dir, const struct message *recorded, struct proof *ret);

/*
 * In a child as mail_owner: count messages, taken from the list by get(arg, n). *ret is a malloc'd array of count proofs.
 * About 5 us a message warm.
 */
typedef const struct message *spool_get(void *arg, size_t n);
int spool_prove(const struct postfix *p, spool_get *get, void *arg, size_t count, struct proof **ret, struct err *err) NODISCARD;

/* A name found by walking the queues. */
struct spool_name {
	struct queue_id queue_id;
	uint8_t queue;
};
/*
 * In a child: all names by readdir, hashed directories included, that are queue IDs (maildrop's too). Names only nominate: a pass
 * under a running queue misses some and sees some twice; duplicates are dropped. *ret is malloc'd.
 */
struct spool_walk; /* a walk under way; start it, do other work, finish it */
int spool_walk_start(const struct postfix *p, struct spool_walk **ret, struct err *err) NODISCARD;
int spool_walk_finish(struct spool_walk *walk, struct spool_name **ret, size_t *ret_count, struct err *err) NODISCARD;

/* In a child: the state of each of names now (no proof): PROOF_GONE, PROOF_ARRIVING, or PROOF_SAME for "complete, mode 0700". */
int spool_states(const struct postfix *p, const struct queue_id *ids, size_t count, struct proof **ret, struct err *err) NODISCARD;

/* In a child: reasons from the message's defer log (bounce_log(3) format), as packed strings "recipient\0reason\0...". Empty where there is none. */
int spool_reasons(const struct postfix *p, const struct queue_id *id, struct strbuf *ret_packed, struct err *err) NODISCARD;

#endif
