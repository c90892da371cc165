/* SPDX-License-Identifier: ISC */
/*
 * The writer: one thread that owns the index. Sessions hand it encoded records; it commits whatever
 * has gathered as one batch (group commit) and wakes them. Between batches it applies the command's
 * requests and looks after the index: directory gone or replaced, store to reopen, lock held by a
 * command, space, expired rules, coverage.
 *
 * Its queue is capped (WRITER_ROWS_MAX, WRITER_BYTES_MAX). A commit that hangs never holds mail for
 * longer than the deadline: the first waiters time out, a gap begins, and until that commit returns
 * nobody waits at all.
 */
#ifndef PQPURGE_MILTER_WRITER_H
#define PQPURGE_MILTER_WRITER_H

#include "base/settings.h"
#include "index/coverage.h"
#include "index/home.h"
#include "index/request.h"
#include "mail/message.h"
#include "rules/ruleset.h"

#define WRITER_ROWS_MAX   10000
#define WRITER_BYTES_MAX  (64u << 20)
#define WRITER_REASON_MAX COVERAGE_REASON_MAX

enum writer_result {
	WRITER_RECORDED, /* on disk */
	WRITER_QUEUED,   /* commit = async: will be within commit_delay */
	WRITER_LOST, /* not recorded, or not known to be in time; the gap is counted. on_index_error
			decides */
};

struct writer;

struct writer_config {
	const struct settings *settings;
	/* Called by the writer's thread with the command's rules whenever they changed (and at
	 * start); takes *rules over. */
	void (*rules_changed)(void *arg, struct rule_list *rules);
	/* Called each second for hits to save; may be NULL. */
	void (*collect_hits)(
	    void *arg, void (*save)(void *to, const struct rule *r, uint64_t hits), void *to);
	void *arg;
	/* Test seam: opens the home; NULL = home_open. */
	int (*open_home)(const char *directory, int64_t map_size, bool recording, struct home *ret,
	    struct err *err);
};

/*
 * Starts the thread and opens the index (waiting for that first attempt). An index that cannot be
 * opened is no failure: it starts degraded, says so in the log, and tries again each second. Fails
 * only for want of memory or threads.
 */
int writer_start(
    struct writer **ret, const struct writer_config *config, struct err *err) NODISCARD;

/*
 * Records one message; waits as `commit` and `commit_timeout` say. Any thread. ret_reason is filled
 * in where the result is WRITER_LOST.
 */
enum writer_result writer_record(
    struct writer *w, const struct message *m, char ret_reason[WRITER_REASON_MAX + 1]);
/* Counts a message as lost that could not even be offered (no queue ID, no memory). */
void writer_lose(struct writer *w, int64_t mail_time, const char *reason);

/*
 * Queues one request (copied); done(arg, reply frame) is called from the writer's thread after the
 * commit. Any thread. -ENOMEM, or ERR_LIMIT when too many are queued.
 */
int writer_request(struct writer *w, struct span request,
    void (*done)(void *arg, struct span reply), void *arg) NODISCARD;

/*
 * Adds "key=value" lines for STATUS: recording (yes, no), since (wall microseconds), last_error,
 * rows, used_bytes, map_bytes, file_bytes, pruned, lagging_reader (pid, 0 none), rules_saved (yes,
 * no), queued, recorded, lost, stalled (yes, no); while a gap is open also gap_since, gap_count,
 * gap_reason. Never waits for the index.
 */
void writer_status(struct writer *w, struct strbuf *out);

/*
 * Refuses new work, waits at most timeout microseconds for what is queued, writes END. False: the
 * thread hangs in a commit and is left behind. The writer may still be called; it refuses. NULL is
 * fine.
 */
bool writer_stop(struct writer *w, int64_t timeout) NODISCARD;
/* Frees a writer that has stopped (true), when nobody calls it any more. NULL is fine. */
void writer_free(struct writer *w);

#endif
