/* SPDX-License-Identifier: ISC */
/*
 * The writer: one thread that owns the index. Sessions hand it encoded records; it commits whatever has gathered as one
 * batch (group commit) and wakes them. Between batches it applies the command's requests and looks after the index: directory gone or replaced,
 * store to reopen, lock held by a command, space, expired rules, coverage.
 *
 * Its queue is capped (WRITER_ROWS_MAX, WRITER_BYTES_MAX). A commit that hangs never holds mail for longer than the
 * deadline: the first waiters time out, a gap begins, and until that commit returns nobody waits at all.
 */
#ifndef PQPURGE_MILTER_WRITER_H
#define PQPURGE_MILTER_WRITER_H

#include "base/settings.h"
#include "index/home.h"
#include "index/request.h"
#include "mail/message.h"
#include "rules/ruleset.h"

#define WRITER_ROWS_MAX  10000
#define WRITER_BYTES_MAX (64u << 20)

enum writer_result {
	WRITER_RECORDED, /* on disk */
	WRITER_QUEUED,   /* commit = async: will be within commit_delay */
	WRITER_LOST,     /* not recorded, or not known to be in time; the gap is counted. on_index_error decides */
};

struct writer;

struct writer_config {
	const struct settings *settings;
	/* Called by the writer's thread with the command's rules whenever they changed (and at start); takes *rules over. */
	void (*rules_changed)(void *arg, struct rule_list *rules);
	/* Called each second for hits to save; may be NULL. */
	void (*collect_hits)(void *arg, void (*save)(void *to, const struct rule *r, uint64_t hits), void *to);
	void *arg;
	/* Test seam: opens the home; NULL = home_open. */
	int (*open_home)(const char *directory, int64_t map_size, bool recording, struct home *ret, struct err *err);
};

/*
 * Starts the thread and opens the index (waiting for that first attempt). An index that cannot be opened is no failure: it starts
 * degraded, says so in the log, and tries again each second. Fails only for want of memory or threads.
 */
int writer_start(struct writer **ret, const struct writer_config *config, struct err *err) NODISCARD;

/* Records one message; waits as `commit` and `commit_timeout` say. Any thread. */
enum writer_result writer_record(struct writer *w, const struct message *m);

/*
 * Queues one request (copied); done(arg, reply frame) is called from the writer's thread after the commit. Any
 * thread. -ENOMEM, or ERR_LIMIT when too many are queued.
 */
int writer_request(struct writer *w, struct span request, void (*done)(void *arg, struct span reply), void *arg) NODISCARD;

/* "key=value" lines for STATUS: recording, since, lost, last_error, rows, queued ... */
void writer_status(struct writer *w, struct strbuf *out);

/* Refuses new work, waits at most timeout microseconds for what is queued, writes END. The thread may be left behind (then _exit). */
void writer_stop(struct writer *w, int64_t timeout);

#endif
