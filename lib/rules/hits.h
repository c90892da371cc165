/* SPDX-License-Identifier: ISC */
/*
 * How often each rule decided: state_directory/hits, a cache that may be lost. A line is the
 * number, "file" or "command", and the subject: "17 command example.com". Rules without hits are
 * not in it. It also carries hits from one list of rules to the next that has the same subjects.
 */
#ifndef PQPURGE_RULES_HITS_H
#define PQPURGE_RULES_HITS_H

#include "base/str.h"
#include "rules/ruleset.h"

#define HITS_FILE "hits"

/* Zero-initialise. */
struct hits {
	struct hit {
		char *subject;
		bool of_file;
		uint64_t count;
	} * list; /* sorted once it is asked */
	size_t count, cap;
	bool sorted;
};

/* Adds; -ENOMEM. */
int hits_add(struct hits *h, const char *subject, bool of_file, uint64_t count) NODISCARD;
/* Those of a list of rules that have any. */
int hits_gather(struct hits *h, const struct ruleset *set) NODISCARD;
/* Gives each rule of the list what its subject has here. */
void hits_apply(struct hits *h, struct rule_list *rules, bool of_file);
void hits_release(struct hits *h); /* zeroes */

/* Reads the text of a file; lines that make no sense are left out. -ENOMEM. */
int hits_parse(struct hits *h, const char *text, size_t len) NODISCARD;
/* The same for the file in directory; missing or unreadable: nothing. */
int hits_read(const char *directory, struct hits *h) NODISCARD;
/* The text of all rules of a set with hits. Out of memory is sticky in out. */
void hits_put(const struct ruleset *set, struct strbuf *out);

#endif
