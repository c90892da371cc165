/* SPDX-License-Identifier: ISC */
/* Private to lib/order: the account's file (account.h), for a process that is state_directory's
 * owner.
 *
 * Locks are open file description locks on bytes of log.lock, which is never replaced: byte 0 for
 * writing, byte 1 for writing the log anew, and one byte for each running batch. They end with the
 * process. While we wait for a lock, only the parent's patience limits the wait.
 *
 * log.lock also has the highest number of a batch as text, so that a log that somebody moved away
 * does not make later batches take the numbers of earlier ones. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define ACCOUNT_FILE     "log"
#define ACCOUNT_NEW      "log.new"
#define ACCOUNT_LOCK     "log.lock"
#define ACCOUNT_RESERVE  (INT64_C(2) << 20) /* bytes allocated after the end, for a full disk */
#define ACCOUNT_LINE_MAX (4u << 20)         /* bytes; a longer line is ignored */
#define ACCOUNT_SIZE_MAX (INT64_C(1) << 30) /* bytes; a larger file is not read */

struct account_log {
	int directory, lock, fd; /* fd -1: there is no log yet */
	int64_t end;             /* where account_log_read stops; 0: at the end */
};

/* writing: makes missing files. -errno with words. */
int account_log_open(
    struct account_log *log, const char *directory, bool writing, struct err *err) NODISCARD;
void account_log_close(struct account_log *log);

/* Locks byte 0. Opens the log again if another file was renamed into its place. */
int account_log_lock(struct account_log *log, struct err *err) NODISCARD;
void account_log_unlock(struct account_log *log);
/* Locks byte 1, until this process ends. False: another process has it. */
bool account_log_compacts(struct account_log *log);
/* Marks the batch as running, until this process ends. */
int account_log_run(struct account_log *log, uint64_t number, struct err *err) NODISCARD;
bool account_log_is_running(const struct account_log *log, uint64_t number);
/* The highest number that was kept; 0: none, or it cannot be read. The caller holds the lock, here
 * and below. */
uint64_t account_log_highest(const struct account_log *log);
void account_log_keep(const struct account_log *log, uint64_t number); /* failures are ignored */

/* All lines or none. First completes a line that was cut off. sync: the
 * lines are on disk when it returns. */
int account_log_append(
    struct account_log *log, const char *lines, size_t len, bool sync, struct err *err) NODISCARD;
/* Failures are ignored. */
void account_log_reserve(const struct account_log *log);

enum account_kind {
	LINE_BEGIN,
	LINE_ADOPT,
	LINE_CHUNK,
	LINE_DONE,
	LINE_END,
	LINE_FACTS,
	LINE_KEPT,
	LINE_SUMS, /* sums.h */
	LINE_KINDS
};
struct account_line {
	enum account_kind kind;
	/* Of the batch; LINE_KEPT: a count of bytes; LINE_SUMS: a count of batches. */
	uint64_t number;
	char *text;
	size_t len;       /* without its newline */
	const char *rest; /* after the number */
};
/* Visits each whole line of a known kind. A negative code from visit ends it and is returned. */
typedef int account_visit(void *arg, const struct account_line *line);
int account_log_read(
    const struct account_log *log, account_visit *visit, void *arg, struct err *err) NODISCARD;
