/* SPDX-License-Identifier: ISC */
/* Queue IDs from text, one a line. */
#pragma once

#include "base/err.h"
#include "mail/selector/selector.h"

/* One ID, without blanks around it and postqueue -p's mark behind it (* active, ! held, # to be
 * expired). 1, 0 for a blank line, ERR_SYNTAX. */
int id_of_line(const char *line, size_t len, struct queue_id *ret) NODISCARD;

/* Adds every ID of the stream to s. Other lines are counted and told (the first 20). -errno if the
 * stream cannot be read. */
int ids_read(
    FILE *from, FILE *told, struct selector *s, size_t *ret_bad, struct err *err) NODISCARD;
