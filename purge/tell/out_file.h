/* SPDX-License-Identifier: ISC */
/* A file that a verb writes for other programs and people: `-o FILE`. */
#pragma once

#include "base/err.h"

/*
 * Writes the file, whole or not at all: beside it first, then renamed, so that no reader sees half
 * of it. It may lie in a directory that others than root can write to: behind the part of path that
 * is root's alone no symbolic link is followed, and the writer is a child that is the directory's
 * owner. What is there already is replaced if it is a regular file; all else (a link, a device) is
 * refused, ERR_CONFIG. mode: of the new file, whatever the umask. A relative path is from the
 * working directory.
 */
int out_file_write(
    const char *path, mode_t mode, const char *text, size_t len, struct err *err) NODISCARD;
