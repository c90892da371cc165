/* SPDX-License-Identifier: ISC */
/* A file that a verb writes for other programs and people: `-o FILE`. */
#pragma once

#include "purge/session.h"

/*
 * Writes the file completely or not at all: first beside it, then renamed, so that no reader sees a
 * part. The directory may be writable by others than root: after the part of path that only root
 * can write, no symbolic link is followed, and a child that is the directory's owner writes. An
 * existing regular file is replaced; anything else (a link, a device) is refused, ERR_CONFIG. mode
 * is that of the new file, whatever the umask. A relative path starts at the working directory.
 */
int out_file_write(
    const char *path, mode_t mode, const char *text, size_t len, struct err *err) NODISCARD;
/* The same to where --output says: without it, to stdout; in a dry run, nowhere. */
int out_file_put(
    const struct options *o, mode_t mode, const struct strbuf *text, struct err *err) NODISCARD;
