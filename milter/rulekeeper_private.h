/* SPDX-License-Identifier: ISC */
/* The inside of the rule keeper, for rulekeeper.c and rulekeeper_stored.c alone. */
#ifndef PQPURGE_MILTER_RULEKEEPER_PRIVATE_H
#define PQPURGE_MILTER_RULEKEEPER_PRIVATE_H

#include <pthread.h>

#include "milter/rulekeeper.h"
#include "rules/ruleset.h"
#include "rules/stored.h"

/* What tells one state of a file or directory from another. */
struct file_mark {
	int error; /* of stat(2); ENOENT: it is not there */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed; /* by a write, too */
};

struct rulekeeper {
	const struct settings *settings;
	char *stored_path; /* of the command's rules */

	/*
	 * One change, look or question at a time. Held while files are read and written, however
	 * long; guards what follows, and with it set is read without `swap`.
	 */
	pthread_mutex_t change;
	struct file_mark file_mark; /* of the rules file */
	size_t file_count;
	struct err file_error; /* "" = the file is fine */
	bool begun;
	struct file_mark stored_mark, directory_mark;
	bool unread;           /* the command's rules could not be read: they must not be written */
	bool unsaved;          /* they are to be written */
	struct strbuf pending; /* packed list: subjects that changed since they were written */
	struct strbuf kept, told; /* as in struct stored */
	size_t damaged;
	struct err stored_error;        /* "" = they can be read and written */
	bool hits_read;                 /* those of the last run */
	uint64_t hits_saved;            /* their sum */
	int64_t next_hits, next_expiry; /* steady */

	pthread_mutex_t swap;   /* guards what follows; held for moments only */
	struct keeper_trouble { /* copies of what `change` guards, for the status */
		bool unsaved;
		size_t damaged;
		struct err stored, file; /* "" = fine */
	} trouble;
	struct ruleset *set;   /* replaced with `change` held, too */
	uint64_t limit_errors; /* taken from its rules and those before */
};

struct file_mark file_mark_of(const char *path);
bool file_mark_same(const struct file_mark *a, const struct file_mark *b);
/* Puts fresh in force (NULL: there was no memory for it: -ENOMEM). */
int rulekeeper_swap(struct rulekeeper *k, struct ruleset *fresh) NODISCARD;

/* ---- the command's rules; with `change` held */

/* Reads them where they changed, or by force. */
void keeper_look(struct rulekeeper *k, bool force);
/* Writes them where that is to be done. 0, or why not (also in k->stored_error). */
int keeper_save(struct rulekeeper *k);
/* Sets r (taken over), or with NULL removes subject: 1 there was one, 0 there was none. */
int keeper_change(struct rulekeeper *k, const char *subject, struct rule *r, struct err *err);
void keeper_expire(struct rulekeeper *k);
void keeper_save_hits(struct rulekeeper *k);

#endif
