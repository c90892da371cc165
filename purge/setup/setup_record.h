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

/* Zero-initialise. */
struct setup_record {
	struct strbuf users, directories, units; /* packed lists: what was made, what was enabled */
};

/* 1, 0 where there is none, -EPERM where others than root could have written it, or ERR_DAMAGED. */
int setup_record_load(const char *path, struct setup_record *ret, struct err *err) NODISCARD;
/* Makes the directory where it is missing; on disk when it returns. */
int setup_record_save(
    const char *path, const struct setup_record *record, struct err *err) NODISCARD;
void setup_record_release(struct setup_record *record); /* zeroes */

/*
 * Around a change of file (name: "main.cf" or "pqpurge.conf"; one that is missing is an empty one):
 * begin keeps it as it was before the first change, end as setup leaves it. Where somebody else
 * changed it in between, what it was is of no use any more and is forgotten.
 */
int setup_record_begin(
    const char *path, const char *name, const char *file, struct err *err) NODISCARD;
int setup_record_end(
    const char *path, const char *name, const char *file, struct err *err) NODISCARD;
/* Whether setup has changed it. */
bool setup_record_changed(const char *path, const char *name);
/* Whether file still is what setup left, so that the copy from before can take its place. */
bool setup_record_untouched(const char *path, const char *name, const char *file);
/* Puts the copy from before in file's place; one that was missing goes. */
int setup_record_restore(
    const char *path, const char *name, const char *file, struct err *err) NODISCARD;
/* The whole record. */
int setup_record_remove(const char *path, struct err *err) NODISCARD;

#endif
