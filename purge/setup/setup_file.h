/* SPDX-License-Identifier: ISC */
/* Small text files, read and replaced whole, and one line of them changed. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define SETUP_FILE_MAX ((size_t)4 << 20)

/* Reads it into ret (cleared first): 1, 0 where there is none, -errno with words. */
int setup_file_read(const char *path, struct strbuf *ret, struct err *err) NODISCARD;
/*
 * Replaces it in one step; on disk when it returns. Owner and mode stay; a new file gets mode. A
 * symbolic link stays, too: the file it leads to is replaced.
 */
int setup_file_replace(
    const char *path, const struct strbuf *text, unsigned mode, struct err *err) NODISCARD;

/*
 * text with `key = "value"`, in place of the line that sets key, else of the first one that is
 * commented out, else at the end. before and after get the line as it was (empty: there was none)
 * and as it is.
 */
void setup_set_line(const char *text, const char *key, const char *value, struct strbuf *ret,
    struct strbuf *before, struct strbuf *after);
/* Whether a value can be written to a settings file as it is. */
bool setup_is_plain(const char *value);
