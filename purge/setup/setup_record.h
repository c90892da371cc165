/* SPDX-License-Identifier: ISC */
/* Setup's record, for its removal: a directory beside the settings file, with the file `made` (a
 * line for each thing) and copies of main.cf and of the settings file, from before setup and as
 * setup left them. main.cf is restored from it, so it belongs to root, not to the daemon. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* A file that setup changes. Zero-initialise. */
struct setup_text {
	const char *name; /* of its copies: "main.cf" or "pqpurge.conf" */
	char path[PATH_MAX];
	struct strbuf before, after; /* a missing file is empty */
	bool written;
};

/* made: a packed list of what setup made or enabled, "user NAME", "directory PATH", "unit NAME". 1,
 * 0 if there is no record, -EPERM if others than root could have written it, or ERR_DAMAGED. */
int setup_record_load(const char *path, struct strbuf *made, struct err *err) NODISCARD;
/* Makes the directory if it is missing; on disk when it returns. */
int setup_record_save(const char *path, const struct strbuf *made, struct err *err) NODISCARD;

/* Call them around a change of a file. The first begin keeps `before`; end keeps `after`. If
 * somebody else has changed the file since, its copy from before is useless, and begin drops it. */
int setup_record_begin(const char *path, const struct setup_text *text, struct err *err) NODISCARD;
int setup_record_end(const char *path, const struct setup_text *text, struct err *err) NODISCARD;
/* Whether setup has changed the file, and it is not back as it was before. */
bool setup_record_changed(const char *path, const struct setup_text *text);
/* If `before` is as setup left the file: 1, and `after` becomes the copy from before. Otherwise 0,
 * or an error. */
int setup_record_restore(const char *path, struct setup_text *text, struct err *err) NODISCARD;
int setup_record_remove(const char *path, struct err *err) NODISCARD;
