/* SPDX-License-Identifier: ISC */
/*
 * The account's file (account.h), for a process that is state_directory's owner. Private to
 * lib/order.
 *
 * Locks are those of open file descriptions, on bytes of log.lock, which is never replaced: byte 0
 * for writing, byte 1 for writing the log anew, and one for each running batch. They end with the
 * process. A wait for another's lock ends with the parent's patience.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define ACCOUNT_FILE     "log"
#define ACCOUNT_NEW      "log.new"
#define ACCOUNT_LOCK     "log.lock"
#define ACCOUNT_RESERVE  (INT64_C(2) << 20) /* bytes kept behind the end, for a full disk */
#define ACCOUNT_LINE_MAX (4u << 20)         /* of a longer line nothing is believed */
#define ACCOUNT_SIZE_MAX (INT64_C(1) << 30) /* a larger file is not read */

struct account_log {
	int directory, lock, fd; /* fd -1: there is no log yet */
	int64_t end;             /* account_log_read reads up to there; 0: all */
};

/* writing: makes what is missing. -errno with words. */
int account_log_open(
    struct account_log *log, const char *directory, bool writing, struct err *err) NODISCARD;
void account_log_close(struct account_log *log);

/* Byte 0; then opens the log again if another was renamed into its place. */
int account_log_lock(struct account_log *log, struct err *err) NODISCARD;
void account_log_unlock(struct account_log *log);
/* Byte 1, until this process ends; false: another has it. */
bool account_log_compacts(struct account_log *log);
/* Marks the batch as running, until this process ends. */
int account_log_run(struct account_log *log, uint64_t number, struct err *err) NODISCARD;
bool account_log_is_running(const struct account_log *log, uint64_t number);

/* Appends lines, all or none, with the lock held; first ends a line that was cut off. sync: they
 * are on disk when it returns. */
int account_log_append(
    struct account_log *log, const char *lines, size_t len, bool sync, struct err *err) NODISCARD;
/* Best effort. */
void account_log_reserve(const struct account_log *log);

enum account_kind {
	LINE_BEGIN,
	LINE_ADOPT,
	LINE_CHUNK,
	LINE_DONE,
	LINE_END,
	LINE_FACTS,
	LINE_KEPT,
	LINE_SUMS, /* sums/sums.h */
	LINE_KINDS
};
struct account_line {
	enum account_kind kind;
	uint64_t number; /* of the batch; of LINE_KEPT a count of bytes, of LINE_SUMS of batches */
	char *text;
	size_t len; /* without its newline */
	char *rest; /* of the text, behind the number */
};
/* Visits each whole line of a known kind. A negative code from visit ends it and is returned. */
typedef int account_visit(void *arg, const struct account_line *line);
int account_log_read(
    const struct account_log *log, account_visit *visit, void *arg, struct err *err) NODISCARD;
