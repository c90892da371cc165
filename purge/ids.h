/* SPDX-License-Identifier: ISC */
#pragma once

#include "base/err.h"
#include "mail/selector/selector.h"

/* Ignores blanks around the ID and a mark of postqueue -p after it (* active, ! held, # to expire).
 * Returns 1, 0 for a blank line, or ERR_SYNTAX. */
int id_of_line(const char *line, size_t len, struct queue_id *ret) NODISCARD;

#define IDS_MAX      (4u << 20) /* on stdin, repetitions included */
#define IDS_LINE_MAX 1024u      /* a longer line is not an ID */

/* Adds every ID of the stream to s. Counts the other lines and reports the first 20 to told. -errno
 * if the stream cannot be read. ERR_USAGE: more than IDS_MAX. */
int ids_read(
    FILE *from, FILE *told, struct selector *s, size_t *ret_bad, struct err *err) NODISCARD;
