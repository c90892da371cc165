/* SPDX-License-Identifier: ISC */
/*
 * What the command asks of the writer: one frame (base/io.h) with a request, one with the reply,
 * over control.sock. The daemon answers after commit, so an answer means "on disk and in force".
 * With no daemon the command takes the lock and applies the same request by the same function.
 */
#ifndef PQPURGE_INDEX_REQUEST_H
#define PQPURGE_INDEX_REQUEST_H

#include "index/batch.h"
#include "index/synced.h"
#include "rules/rule.h"

#define REQUEST_VERSION 1
#define REQUEST_MAX     (4u << 20) /* bytes of one request */
/* Rows in one DROP or ADD: what one commit may take while mail waits (a few ms; some 30 where each
 * row is of another domain, for then each has a page of its own). */
#define REQUEST_ROWS_MAX 2000

enum request_kind {
	REQUEST_STATUS = 1, /* live state; only the daemon answers */
	REQUEST_DROP,       /* rows that left the queue: (sequence, queue ID)* -> count */
	REQUEST_ADD,        /* records found by a scan: record* -> count */
	REQUEST_BATCH,      /* one batch -> its number */
	REQUEST_BATCH_PART, /* number, part, items */
	REQUEST_RULE_SET,   /* one rule -> 1 replaced, 0 new */
	REQUEST_RULE_UNSET, /* one subject -> 1 removed, 0 was not there */
	REQUEST_INSTANCE,   /* queue_directory, myhostname -> 1 stored (new, or renamed), 0 known */
	REQUEST_SYNCED,     /* what a sync counted */
	REQUEST_HITS,       /* saves the rules' hits at once; only the daemon has any */
	REQUEST_SETTLE, /* answered when all that was at its end of message is in the index or given
			   up; with no daemon nothing is */
};

/* Encoders: a whole request each, appended to out (cleared first). */
void request_status(struct bytes *out);
struct request_row {
	uint64_t sequence;
	struct queue_id queue_id;
};
/* At most REQUEST_ROWS_MAX rows or records. An ADD leaves out what the index knows already. */
void request_drop(struct bytes *out, const struct request_row *rows, size_t count);
void request_add(struct bytes *out, const struct span *records, size_t count);
void request_batch(struct bytes *out, const struct batch *b);
void request_batch_part(struct bytes *out, uint64_t number, uint32_t part, struct span items);
void request_rule_set(struct bytes *out, const struct rule *r);
void request_rule_unset(struct bytes *out, const char *subject);
void request_settle(struct bytes *out);
void request_instance(struct bytes *out, const char *queue_directory, const char *hostname);
void request_synced(struct bytes *out, const struct synced *synced);
void request_hits(struct bytes *out);

/* The kind of a request, or ERR_SYNTAX / ERR_VERSION. Checks the frame's head only. */
int request_kind_of(struct span request) NODISCARD;
/*
 * What a RULE_SET (released by the caller) or a RULE_UNSET (a view) is about: for a writer that
 * must put a rule in force which it cannot save. ERR_SYNTAX for anything else.
 */
int request_rule_of(struct span request, struct rule *ret, struct err *err) NODISCARD;
int request_subject_of(struct span request, const char **ret) NODISCARD;
/* Whether only a daemon can answer it; without one the command goes without. */
bool request_needs_daemon(int kind);
/* Whether a request changes rules: then the daemon rebuilds its rule set before it answers. */
bool request_touches_rules(int kind);
/* Whether it adds or drops messages: then it meets all that was recorded before it. */
bool request_touches_messages(int kind);

/*
 * Applies a request inside a write transaction and writes its result value (u64) to *ret_value. A
 * malformed request changes nothing and returns ERR_SYNTAX (not sticky); store failures are sticky.
 */
int request_apply(
    struct txn *txn, struct span request, uint64_t *ret_value, struct err *err) NODISCARD;

/* A reply: code, value, words, and for STATUS a text of "key=value" lines. */
struct reply {
	int code;
	uint64_t value;
	const char *text;   /* words for code; "" */
	const char *status; /* STATUS only; "" */
	bool saved;         /* false: in force in memory, but the index could not be written */
};
void reply_encode(const struct reply *reply, struct bytes *out);
int reply_decode(struct span frame, struct reply *ret) NODISCARD; /* views */

#endif
