/* SPDX-License-Identifier: ISC */
#pragma once

#include "purge/session.h"

/* Writes a file completely or not at all: beside it, then renamed. Others than root may be able to
 * write to the directory: after the part of path that only root can write, no symbolic link is
 * followed, and a child that is the directory's owner writes. An existing regular file is replaced;
 * anything else (a link, a device) is refused, ERR_CONFIG. The umask does not change mode. A
 * relative path starts at the working directory. */
int out_file_write(
    const char *path, mode_t mode, const char *text, size_t len, struct err *err) NODISCARD;
/* Writes to --output; without it, to stdout; in a dry run, nowhere. */
int out_file_put(
    const struct options *o, mode_t mode, const struct strbuf *text, struct err *err) NODISCARD;
