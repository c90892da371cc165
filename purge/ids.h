/* SPDX-License-Identifier: ISC */
/* Queue IDs as people and other programs hand them over: one a line, with blanks, CR and
 * postqueue's marks around. */
#ifndef PQPURGE_PURGE_IDS_H
#define PQPURGE_PURGE_IDS_H

#include "base/err.h"
#include "mail/selector.h"

/*
 * One ID: blanks and CR at both ends are dropped, and one of the marks that postqueue -p puts
 * behind an ID ('*' active, '!' held, '#' to be expired). 1 an ID, 0 nothing but blanks,
 * ERR_SYNTAX.
 */
int id_of_line(const char *line, size_t len, struct queue_id *ret) NODISCARD;

/*
 * Adds every ID of the stream to s. Lines that hold none are told by number (the first
 * 20, then how many more) and counted; they are no error. -errno where the stream cannot be read.
 */
int ids_read(
    FILE *from, FILE *told, struct selector *s, size_t *ret_bad, struct err *err) NODISCARD;

#endif
