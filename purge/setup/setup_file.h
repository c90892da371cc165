/* SPDX-License-Identifier: ISC */
/* Small text files: read and replaced as a whole, or changed in one line. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define SETUP_FILE_MAX ((size_t)4 << 20)

/* ret is cleared first. 1, 0 if there is no file, -errno with words. */
int setup_file_read(const char *path, struct strbuf *ret, struct err *err) NODISCARD;
/* Replaces the file in one step; it is on disk when this returns. The file keeps owner and mode; a
 * new one gets mode. If path is a symbolic link, the file behind it is replaced. */
int setup_file_replace(
    const char *path, const struct strbuf *text, unsigned mode, struct err *err) NODISCARD;

/* text with `key = "value"` in place of the line that sets key, else of the first one commented
 * out, else at the end. before and after get the old line (empty: none) and the new one. */
void setup_set_line(const char *text, const char *key, const char *value, struct strbuf *ret,
    struct strbuf *before, struct strbuf *after);
/* Whether the value needs no escapes in a settings file. */
bool setup_is_plain(const char *value);
