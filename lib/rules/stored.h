/* SPDX-License-Identifier: ISC */
/*
 * The command's rules: the file `rules` in state_directory, in the syntax of the rules file, with
 * attributes behind the last " ; " of a line (pqpurge-rules(5), STORED RULES):
 *
 *   example.com REJECT 5.7.1 Go away ; at=1764000000 until=1764003600 by=joe reason=ticket 17
 *
 * In by= and reason= a backslash stands before '\' and ';', in by= also before a blank; so " ; " is
 * found from the end, whatever text and reason hold. Names of attributes that come later make a
 * line damaged for a version that does not know them. Comments and damaged lines are kept as they
 * stand, in front, up to STORED_KEPT_MAX (a line longer than LINES_MAX is not), when the file is
 * written again: beside, fsync(2), rename(2), fsync of the directory.
 *
 * Whoever writes holds an flock(2) on `lock`: the daemon for its life, a command for one change.
 * Text of the daemon's account: root reads none of it, but in a child.
 */
#ifndef PQPURGE_RULES_STORED_H
#define PQPURGE_RULES_STORED_H

#include "base/bytes.h"
#include "base/str.h"
#include "rules/rules_file.h"

#define STORED_FILE "rules"
#define STORED_LOCK "lock"

#define STORED_KEPT_MAX (8u << 20)
#define STORED_TOLD_MAX 10 /* damaged lines that are named; all are counted */

/* What was read. Zero-initialise. */
struct stored {
	struct rule_list rules; /* expired ones included, as they were set */
	struct strbuf kept;     /* comments and damaged lines, as they stand, with their newlines */
	size_t damaged;
	struct strbuf told; /* packed list: "NAME:LINE: what", the first STORED_TOLD_MAX */
};

/* Reads memory; name is for messages. ERR_LIMIT past RULES_MAX, or -ENOMEM. */
int stored_parse(
    const char *name, const char *text, size_t len, struct stored *ret, struct err *err) NODISCARD;
/* Reads the file of a directory; a missing file means no rules. */
int stored_read(const char *directory, struct stored *ret, struct err *err) NODISCARD;
void stored_release(struct stored *s); /* zeroes */

/* The text of a new file: stored_begin with what was kept, then each rule. */
void stored_begin(struct strbuf *out, const struct strbuf *kept);
void stored_put(struct strbuf *out, const struct rule *r);
/* Replaces `name` in directory by text, durably where asked. ERR_FULL or another code. */
int stored_replace(const char *directory, const char *name, const struct strbuf *text, bool durable,
    struct err *err) NODISCARD;

/*
 * Takes the lock of directory until the descriptor is closed. ERR_LOCKED (with the process that has
 * it, where it says so) after the steady deadline.
 */
int stored_lock(const char *directory, int64_t deadline, int *ret_fd, struct err *err) NODISCARD;

/*
 * One change while no daemon runs, under the lock: removes what has subject, and sets added (NULL:
 * nothing) in its place. Expired rules go. 1 there was such a rule, 0 there was none, or a code.
 */
int stored_change(const char *directory, const char *subject, const struct rule *added,
    int64_t wall, bool login_exact, struct err *err) NODISCARD;

/* Takes what has this subject out of the list; 1 there was a rule that had not expired, or 0. */
int stored_drop(struct rule_list *rules, const char *subject, int64_t wall, bool login_exact);

#endif
