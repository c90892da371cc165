/* SPDX-License-Identifier: ISC */
/* Looks at the spool, in a child that is mail_owner. It finds where a queue ID lies, and proves
 * that the file there is the recorded message. Queues are searched in flow order, as by
 * postsuper(1), so we prove the very file that postsuper would take.
 *
 * Messages move while we look. One pass over the queues misses one message in a million. Two passes
 * have never missed one: between them the message would have to leave deferred, come back and leave
 * again, but qmgr(8) keeps it there for minimal_backoff_time. So PROOF_GONE needs two passes by
 * name, the last one with the layout read again.
 *
 * All functions that use a child return ERR_STOPPED soon after *p->stop is set, and ERR_TIMEOUT
 * after queue_patience. */
#pragma once

#include "mail/identity.h"
#include "mail/selector/selector.h"
#include "postfix/spool/queue.h"

enum proof_state {
	PROOF_GONE,     /* in no queue */
	PROOF_ARRIVING, /* Postfix still writes it (owner mode is not 0700); postsuper skips it */
	PROOF_SAME,
	PROOF_CHANGED, /* another message (enum judgement), or no regular file */
	PROOF_UNPROVEN,
	/* Unreadable; see `error`. -EACCES with `queue` 0: the file can only be in a directory that
	 * we cannot search, where Postfix cannot have put it. */
	PROOF_ERROR,
};

/* The selector's questions to the file and its defer log (selector_asks_file). */
enum proof_asked {
	ASKED_NOTHING, /* nothing to ask, or the state is neither SAME nor UNPROVEN */
	ASKED_NO,
	ASKED_YES,
	ASKED_UNSURE, /* depends on something that was cut or unreadable */
};

struct proof {
	uint8_t state;        /* enum proof_state */
	uint8_t asked;        /* enum proof_asked */
	uint8_t limited;      /* 1: a regular expression hit its match limit */
	uint8_t queue;        /* enum queue_name; 0 if gone */
	uint8_t depth;        /* levels of hashing, for queue_hashing */
	int32_t error;        /* for PROOF_ERROR: -errno or ERR_SYNTAX */
	int64_t arrival_time; /* of the file; -1 unknown */
	int64_t size;         /* as `postqueue -j` shows it; -1 unknown */
	uint64_t inode;
};

/* Proves count messages; thousands are shared by two children. get(arg, n) runs in the child, and
 * its result is used until the next call. *ret: count proofs, from malloc. About 5 us for each
 * message if the files are cached. */
typedef const struct message *spool_get(void *arg, size_t n);
int spool_prove(const struct postfix *p, spool_get *get, void *arg, size_t count,
    struct proof **ret, struct err *err) NODISCARD;
/* spool_prove in two steps: start; do other work until the descriptor is readable; finish, which
 * frees s in any case. *arg need not outlive the start.
 *
 * asks (may be NULL): a selector to ask each proven file. A Subject takes some 25 us, a defer log
 * time by its size. All files are asked before the first is proven, so proofs are no older than
 * without asking. An answer counts only if the same file is then proven; otherwise it is UNSURE.
 *
 * The first `departed` messages are probably gone, so their names are looked up first (4 us each).
 * Results do not depend on it.
 *
 * first: a file in this queue is taken before one in an earlier queue; 0: flow order. Two queues
 * have files of one name where a backup was laid over a queue whose mail had moved on. */
struct spool_proving;
int spool_prove_start(const struct postfix *p, spool_get *get, void *arg, size_t count,
    size_t departed, enum queue_name first, const struct selector *asks, struct spool_proving **ret,
    struct err *err) NODISCARD;
int spool_prove_fd(const struct spool_proving *s); /* for poll() */
/* *ret_since (may be NULL): steady; no proof of a message that had not departed is older. */
int spool_prove_finish(
    struct spool_proving *s, struct proof **ret, int64_t *ret_since, struct err *err) NODISCARD;

/* Sets all of *ret but its place. This process must be mail_owner. */
void spool_judge(int fd, const struct message *recorded, struct proof *ret);

/* The state of each of ids, if most are probably gone: PROOF_GONE, PROOF_ARRIVING, PROOF_ERROR, or
 * PROOF_SAME for a complete file, without a proof. 2 us for each ID. */
int spool_states(const struct postfix *p, const struct queue_id *ids, size_t count,
    struct proof **ret, struct err *err) NODISCARD;

#define SPOOL_REASON_MAX 4096 /* bytes of a recipient or a reason */

/* The message's defer log (format of bounce_log(3)) as "recipient\0reason\0...", scrubbed, some 64
 * MiB at most. Empty if there is no log. */
int spool_reasons(const struct postfix *p, const struct queue_id *id, struct strbuf *ret_packed,
    struct err *err) NODISCARD;
struct spool_reason {
	const char *recipient, *text;
	bool cut; /* text exceeded SPOOL_REASON_MAX */
};
/* Reads the log entry by entry, in this process, which must be mail_owner. Memory use does not
 * depend on the log's size. A negative code from visit ends the reading and is returned. */
typedef int spool_reason_visit(void *arg, const struct spool_reason *reason);
int spool_reasons_visit(const struct queue *q, const struct queue_id *id, spool_reason_visit *visit,
    void *arg) NODISCARD;
