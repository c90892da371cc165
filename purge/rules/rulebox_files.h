/* SPDX-License-Identifier: ISC */
/* Part of the rule box: the rules as the files have them, asked with the daemon's own words. */
#ifndef PQPURGE_PURGE_RULEBOX_FILES_H
#define PQPURGE_PURGE_RULEBOX_FILES_H

#include "purge/rules/rulebox.h"
#include "rules/stored.h"

/* The request for a question (NULL: all rules), from a place on. NULL on no memory. */
struct json *rulebox_request(const struct rulebox_question *question, size_t from);
/*
 * Takes one answer over; *ret_next is the place to go on at, 0 at the end. ERR_CHILD where it makes
 * no sense.
 */
int rulebox_take(const struct json *reply, const struct rulebox_question *question,
    struct rulebox *box, size_t *ret_next, struct err *err) NODISCARD;

/*
 * The rules file is read here, for it is the admin's own; the command's rules in a child. Without a
 * state directory there are none of those.
 */
int rulebox_read_files(const struct index_client *client, int64_t wall,
    const struct rulebox_question *question, struct rulebox *box, struct err *err) NODISCARD;

#endif
