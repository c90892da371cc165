/* SPDX-License-Identifier: ISC */
/*
 * How often each rule decided: state_directory/hits, a cache that may be lost. A line is the
 * number, "file" or "command", and the subject: "17 command example.com". Rules without hits are
 * not in it.
 */
#ifndef PQPURGE_RULES_HITS_H
#define PQPURGE_RULES_HITS_H

#include "base/str.h"
#include "rules/ruleset.h"

#define HITS_FILE "hits"

/* Adds what a file's text says to the hits of the set's rules; what makes no sense is left out. */
void hits_take(const char *text, size_t len, const struct ruleset *set);
/* The same for the file in directory; missing or unreadable: nothing. */
void hits_read(const char *directory, const struct ruleset *set);
/* The text of all rules of a set with hits; returns their sum. Out of memory is sticky in out. */
uint64_t hits_put(const struct ruleset *set, struct strbuf *out);

#endif
