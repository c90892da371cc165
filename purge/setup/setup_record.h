/* SPDX-License-Identifier: ISC */
/*
 * What setup did, kept in a directory beside the settings file, so that it can be undone: the file
 * `made` (a line for each thing) and copies of main.cf and of the settings file as they were before
 * and as setup left them. It belongs to root, as the settings do, and not to the daemon: what is
 * restored from it is Postfix's configuration.
 */
#ifndef PQPURGE_PURGE_SETUP_RECORD_H
#define PQPURGE_PURGE_SETUP_RECORD_H

#include "base/err.h"
#include "base/str.h"

/* A line of a file that setup changed. */
struct setup_line {
	bool known;                  /* it did */
	bool was_there;              /* before */
	struct strbuf before, after; /* without the newline */
};

/* Two of main.cf, then those of the settings file. */
enum {
	SETUP_LINE_SMTPD,
	SETUP_LINE_NON_SMTPD,
	SETUP_LINE_ORIGIN,
	SETUP_LINE_INDEX,
	SETUP_LINE_STATE,
	SETUP_LINES
};
#define SETUP_CONF_LINES SETUP_LINE_ORIGIN /* the first of the settings file */
/* "origin": what the line sets. */
const char *setup_line_key(int line);

/* Zero-initialise. */
struct setup_record {
	struct strbuf users, directories, units; /* packed lists: what was made, what was enabled */
	struct setup_line lines[SETUP_LINES];
};

/* 1, 0 where there is none, -EPERM where others than root could have written it, or ERR_DAMAGED. */
int setup_record_load(const char *path, struct setup_record *ret, struct err *err) NODISCARD;
/* Makes the directory where it is missing; on disk when it returns. */
int setup_record_save(
    const char *path, const struct setup_record *record, struct err *err) NODISCARD;
void setup_record_release(struct setup_record *record); /* zeroes */

/* Copies of a file: name is "main.cf", state "before" or "after". A missing file is an empty one.
 */
int setup_record_keep(const char *path, const char *name, const char *state, const char *file,
    struct err *err) NODISCARD;
bool setup_record_kept(const char *path, const char *name, const char *state);
/* Whether file still is what setup left, so that the copy from before can take its place. */
bool setup_record_untouched(const char *path, const char *name, const char *file);
/* Puts the copy from before in file's place. */
int setup_record_restore(
    const char *path, const char *name, const char *file, struct err *err) NODISCARD;
/* Forgets the copies of a file, for somebody else has changed it meanwhile. */
void setup_record_forget(const char *path, const char *name);
/* The whole record. */
int setup_record_remove(const char *path, struct err *err) NODISCARD;

#endif
