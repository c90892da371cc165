/* SPDX-License-Identifier: ISC */
/*
 * The spool, looked at as mail_owner in a child: where a queue ID lies now, and the proof that the
 * file there is the recorded message. Queues are looked through in flow order, as by postsuper, so
 * that the file that is proven is the one that postsuper would take.
 *
 * A message moves while we look: one pass can miss it once in a million; two passes have not been
 * seen to. PROOF_GONE therefore means two passes by name, the last one directly and with the layout
 * read anew. What two miss would have to leave deferred, come back and leave it again between them,
 * and qmgr(8) lets it rest there for minimal_backoff_time.
 *
 * All children here end, with ERR_STOPPED, soon after *p->stop is set, and with ERR_TIMEOUT when
 * they take absurdly long.
 */
#ifndef PQPURGE_POSTFIX_SPOOL_H
#define PQPURGE_POSTFIX_SPOOL_H

#include "mail/identity.h"
#include "postfix/spool/queue.h"

enum proof_state {
	PROOF_GONE,     /* in no queue */
	PROOF_ARRIVING, /* owner mode is not 0700: Postfix still writes it; postsuper does not see
			   it */
	PROOF_SAME,     /* proven to be the recorded message */
	PROOF_CHANGED,  /* see enum judgement; also a thing that is no regular file */
	PROOF_UNPROVEN,
	/* Could not be read; `error`. -EACCES with `queue` 0: it lies nowhere that can be searched,
	 * and a directory cannot be, into which Postfix itself could not have put it. */
	PROOF_ERROR,
};

struct proof {
	uint8_t state;        /* enum proof_state */
	uint8_t queue;        /* enum queue_name; 0 when gone */
	uint8_t depth;        /* of hashing where it lies; queue_hashing tells what that means */
	int32_t error;        /* -errno or ERR_SYNTAX for PROOF_ERROR */
	int64_t arrival_time; /* of the file that is there; -1 unknown */
	int64_t size;         /* as `postqueue -j` has it; -1 unknown */
	uint64_t inode;
};

/*
 * In a child (two for more than a few thousand): count messages, taken from the list by get(arg,
 * n), which is called in the child and whose answer need only last until the next. *ret is a
 * malloc'd array of count proofs. About 5 us a message warm.
 */
typedef const struct message *spool_get(void *arg, size_t n);
int spool_prove(const struct postfix *p, spool_get *get, void *arg, size_t count,
    struct proof **ret, struct err *err) NODISCARD;
/*
 * The same in two steps: start it, do other work until its descriptor is readable, finish it, which
 * waits, and ends it whatever it returns. Of the first `departed` messages most are expected to be
 * gone: they are looked for by name first (4 us), which decides nothing. What get is called with
 * need not outlive the start.
 */
struct spool_proving;
int spool_prove_start(const struct postfix *p, spool_get *get, void *arg, size_t count,
    size_t departed, struct spool_proving **ret, struct err *err) NODISCARD;
int spool_prove_fd(const struct spool_proving *s); /* for poll() */
int spool_prove_finish(struct spool_proving *s, struct proof **ret, struct err *err) NODISCARD;

/* In this process, which must be mail_owner: judges the open file; fills in all but its place. */
void spool_judge(int fd, const struct message *recorded, struct proof *ret);

/*
 * In a child: the state of each of ids now, most expected to be gone: PROOF_GONE, PROOF_ARRIVING,
 * PROOF_SAME for "complete" (no proof), or PROOF_ERROR. 2 us an ID.
 */
int spool_states(const struct postfix *p, const struct queue_id *ids, size_t count,
    struct proof **ret, struct err *err) NODISCARD;

/*
 * In a child: reasons from the message's defer log (bounce_log(3) format), scrubbed, as packed
 * strings "recipient\0reason\0...", some 64 MiB at most. Empty where there is none.
 */
int spool_reasons(const struct postfix *p, const struct queue_id *id, struct strbuf *ret_packed,
    struct err *err) NODISCARD;
/*
 * In this process, which must be mail_owner: calls visit for each entry of the message's defer log,
 * in the log's order. Of a line the first bytes count; memory does not depend on the log. A visit
 * that returns a negative code ends it.
 */
typedef int spool_reason_visit(void *arg, const char *recipient, const char *reason);
int spool_reasons_visit(const struct queue_layout *layout, int queue_dir, const struct queue_id *id,
    spool_reason_visit *visit, void *arg) NODISCARD;

#endif
