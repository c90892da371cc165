/* SPDX-License-Identifier: ISC */
/* The rule keeper's internals, for rulekeeper*.c only. */
#pragma once

#include <pthread.h>

#include "milter/rules/rulekeeper.h"
#include "rules/ruleset.h"
#include "rules/stored.h"

/* One state of a file or directory. */
struct file_mark {
	int error; /* errno of stat(2) */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed; /* ctime */
};

struct rulekeeper {
	const struct settings *settings;
	char *stored_path; /* the command's rules */

	/* Held for each change and question, and while files are read and written. Guards the
	 * members below. Its holder may read set without `swap`. */
	pthread_mutex_t change;
	struct file_mark file_mark;
	size_t file_count;
	struct err file_error; /* "" = fine */
	bool begun;
	struct file_mark stored_mark, directory_mark;
	bool unread; /* reading the command's rules failed, so they must not be written */
	bool unsaved;
	struct strbuf pending;   /* packed list: subjects of unsaved changes */
	struct stored stored;    /* what was read, but for its rules */
	struct err stored_error; /* "" = fine */
	bool fleet_unsaved;
	struct err fleet_error; /* "" = fine */
	bool hits_read;
	uint64_t hits_saved;
	int64_t next_hits, next_expiry; /* steady */

	pthread_mutex_t swap;   /* guards the members below; held briefly */
	struct keeper_trouble { /* copies for the status */
		bool unsaved;
		size_t damaged;
		struct err stored, file; /* "" = fine */
	} trouble;
	struct ruleset *set;   /* replaced only with both locks held */
	uint64_t limit_errors; /* sum over all sets so far */
};

struct file_mark file_mark_of(const char *path);
bool file_mark_same(const struct file_mark *a, const struct file_mark *b);
/* Puts fresh in force; -ENOMEM if it is NULL. */
int rulekeeper_swap(struct rulekeeper *k, struct ruleset *fresh) NODISCARD;

/* These need `change` held. Reads the command's rules if they changed, or by force. */
void keeper_look(struct rulekeeper *k, bool force);
/* Writes them if needed. 0, or a code, with words in k->stored_error. */
int keeper_save(struct rulekeeper *k);
/* Sets r (taken over), as set now, or removes subject if r is NULL. 1: replaced or removed one; 0:
 * none. */
int keeper_change(struct rulekeeper *k, const char *subject, struct rule *r, struct err *err);
void keeper_expire(struct rulekeeper *k);
/* If one of these rules in force expired, puts the others in force. Returns whether it did. */
bool keeper_drop_expired(struct rulekeeper *k, enum rule_origin origin);

/* Likewise for the fleet's rules. */
struct fleet_change;
void keeper_fleet_read(struct rulekeeper *k);
int keeper_fleet_save(struct rulekeeper *k);
int keeper_fleet_change(struct rulekeeper *k, struct fleet_change *change, struct err *err);
void keeper_fleet_expire(struct rulekeeper *k);
void keeper_save_hits(struct rulekeeper *k);
