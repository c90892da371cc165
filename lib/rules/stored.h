/* SPDX-License-Identifier: ISC */
/* The command's rules: the file `rules` in state_directory. It is written like the rules file, with
 * attributes after the last " ; " of a line (pqpurge-rules(5), STORED RULES):
 *   example.com REJECT 5.7.1 Go away ; at=1764000000 until=1764003600 by=joe reason=ticket 17
 * In by= and reason= a backslash precedes '\' and ';', in by= also a blank. So the last " ; " is
 * always the separator. A line with an unknown attribute is damaged.
 *
 * A change writes a new file beside the old one, syncs it, renames it, and syncs the directory. The
 * new file begins with the old one's comments and damaged lines, at most STORED_KEPT_MAX bytes, and
 * none longer than LINES_MAX.
 *
 * A writer holds an flock(2) on `lock`: the daemon while it runs, a command for one change. The
 * daemon's account owns the files, so root reads them only in a child. */
#pragma once

#include "base/bytes.h"
#include "base/str.h"
#include "rules/rules_file.h"

#define STORED_FILE "rules"
#define STORED_LOCK "lock"

#define STORED_KEPT_MAX (8u << 20)
#define STORED_TOLD_MAX 10 /* damaged lines that are described; all are counted */

struct stored {
	struct rule_list rules; /* in the order in which they were set, expired ones included */
	struct strbuf kept;     /* comments and damaged lines, with their newlines */
	size_t damaged;
	struct strbuf told; /* packed: "NAME:LINE: what" */
};

/* name is for messages. ERR_LIMIT past RULES_MAX. */
int stored_parse(
    const char *name, const char *text, size_t len, struct stored *ret, struct err *err) NODISCARD;
/* The file name in directory. A missing file means no rules. */
int stored_read(
    const char *directory, const char *name, struct stored *ret, struct err *err) NODISCARD;
void stored_release(struct stored *s);

/* A new file: stored_begin with what was kept, then the rules that have not expired. */
void stored_begin(struct strbuf *out, const struct strbuf *kept);
void stored_put(struct strbuf *out, const struct rule_list *rules, int64_t wall);
/* durable: also syncs the file to disk. ERR_FULL or another code. */
int stored_replace(const char *directory, const char *name, const struct strbuf *text, bool durable,
    struct err *err) NODISCARD;

/* Holds the lock until *ret_fd is closed. ERR_LOCKED after the steady deadline, with words that
 * name the process that holds it. */
int stored_lock(const char *directory, int64_t deadline, int *ret_fd, struct err *err) NODISCARD;

/* One change under the lock, if no daemon runs: replaces the rule with subject by added (NULL:
 * none), and drops expired rules. Returns 1 if there was such a rule, 0 if not, or a code. */
int stored_change(const char *directory, const char *subject, const struct rule *added,
    int64_t wall, bool login_exact, struct err *err) NODISCARD;

/* Returns 1 if it removed a rule that had not expired, otherwise 0. */
int stored_drop(struct rule_list *rules, const char *subject, int64_t wall, bool login_exact);
