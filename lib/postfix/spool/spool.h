/* SPDX-License-Identifier: ISC */
/*
 * Looks at the spool, in a child that is mail_owner: where a queue ID lies, and the proof that the
 * file there is the recorded message. Queues are searched in flow order, as postsuper does, so the
 * file that is proven is the one that postsuper would take.
 *
 * Messages move while we look. One pass misses one in a million; two passes have never missed one:
 * it would have to leave deferred, come back and leave again between them, and qmgr(8) lets it rest
 * there for minimal_backoff_time. So PROOF_GONE means two passes by name, the last one with the
 * layout read again.
 *
 * All functions that use a child return ERR_STOPPED soon after *p->stop is set, and ERR_TIMEOUT
 * when it takes absurdly long (queue_patience).
 */
#pragma once

#include "mail/identity.h"
#include "mail/selector.h"
#include "postfix/spool/queue.h"

enum proof_state {
	PROOF_GONE,     /* in no queue */
	PROOF_ARRIVING, /* Postfix still writes it (owner mode is not 0700); postsuper skips it */
	PROOF_SAME,     /* proven to be the recorded message */
	PROOF_CHANGED,  /* see enum judgement; also if it is no regular file */
	PROOF_UNPROVEN,
	PROOF_ERROR, /* unreadable: `error`; -EACCES with `queue` 0: only a directory that cannot be
			searched may have it, and Postfix could not have put it there */
};

/* What the selector asks of the file and its defer log (selector_asks_file). */
enum proof_asked {
	ASKED_NOTHING, /* it is not asked, or the state is neither SAME nor UNPROVEN */
	ASKED_NO,
	ASKED_YES,
	ASKED_UNSURE, /* what was cut or could not be read decides */
};

struct proof {
	uint8_t state;        /* enum proof_state */
	uint8_t asked;        /* enum proof_asked */
	uint8_t limited;      /* 1: an expression hit its match limit */
	uint8_t queue;        /* enum queue_name; 0 when gone */
	uint8_t depth;        /* levels of hashing, for queue_hashing */
	int32_t error;        /* of PROOF_ERROR: -errno or ERR_SYNTAX */
	int64_t arrival_time; /* of the file; -1 unknown */
	int64_t size;         /* as `postqueue -j` has it; -1 unknown */
	uint64_t inode;
};

/* Proves count messages, in two children if there are thousands. get(arg, n) is called in the
 * child; its result is used until the next call. *ret: malloc'd, count proofs. About 5 us each,
 * warm. */
typedef const struct message *spool_get(void *arg, size_t n);
int spool_prove(const struct postfix *p, spool_get *get, void *arg, size_t count,
    struct proof **ret, struct err *err) NODISCARD;
/*
 * The same, with what asks (may be NULL) asks of each proven file: as it lies there, some 25 us
 * each for a Subject, and by the size of a defer log. All are asked before the first is proven, so
 * that proofs are as young as without; what lies there then was asked, or is UNSURE. In two steps:
 * start, do other work until the descriptor is readable, finish, which frees in any case. The first
 * `departed` messages are probably gone and are first looked for by name (4 us); results are the
 * same. *arg need not outlive the start.
 */
struct spool_proving;
int spool_prove_start(const struct postfix *p, spool_get *get, void *arg, size_t count,
    size_t departed, const struct selector *asks, struct spool_proving **ret,
    struct err *err) NODISCARD;
int spool_prove_fd(const struct spool_proving *s); /* for poll() */
int spool_prove_finish(struct spool_proving *s, struct proof **ret, struct err *err) NODISCARD;

/* In this process, which must be mail_owner: judges the open file; sets all but its place. */
void spool_judge(int fd, const struct message *recorded, struct proof *ret);

/* The state of each of ids, most of which are probably gone: PROOF_GONE, PROOF_ARRIVING,
 * PROOF_ERROR, or PROOF_SAME for "complete" (no proof). 2 us each. */
int spool_states(const struct postfix *p, const struct queue_id *ids, size_t count,
    struct proof **ret, struct err *err) NODISCARD;

#define SPOOL_REASON_MAX 4096 /* bytes kept of a recipient or a reason */

/* From the message's defer log (bounce_log(3) format), scrubbed: "recipient\0reason\0...", some 64
 * MiB at most. Empty if there is no log. */
int spool_reasons(const struct postfix *p, const struct queue_id *id, struct strbuf *ret_packed,
    struct err *err) NODISCARD;
struct spool_reason {
	const char *recipient, *text;
	bool cut; /* the text was longer than SPOOL_REASON_MAX */
};
/* The same entry by entry, in this process, which must be mail_owner. Memory use does not depend on
 * the log. A negative code from visit ends it and is returned. */
typedef int spool_reason_visit(void *arg, const struct spool_reason *reason);
int spool_reasons_visit(const struct queue_layout *layout, int queue_dir, const struct queue_id *id,
    spool_reason_visit *visit, void *arg) NODISCARD;
