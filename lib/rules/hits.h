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
	} * list; /* sorted, each once, when it is asked */
	size_t count, cap;
	bool sorted;
};

/* Adds, also to what is there of the subject; -ENOMEM. */
int hits_add(struct hits *h, const char *subject, bool of_file, uint64_t count) NODISCARD;
/* Adds those of a set's rules that have any; -ENOMEM. */
int hits_gather(struct hits *h, const struct ruleset *set) NODISCARD;
/* Gives each rule of the list what its subject has here; what has nothing stays as it is. */
void hits_give(struct hits *h, struct rule_list *rules, bool of_file);
/* Adds to the hits of the set's rules. One thread at a time, as ruleset_gather_hits. */
void hits_add_to(struct hits *h, struct ruleset *set);
void hits_release(struct hits *h); /* zeroes */

/* Reads the text of a file; lines that make no sense are left out. -ENOMEM. */
int hits_parse(struct hits *h, const char *text, size_t len) NODISCARD;
/* The same for the file in directory; missing or unreadable: nothing. */
int hits_read(const char *directory, struct hits *h) NODISCARD;
/* The text of all rules of a set with hits. Out of memory is sticky in out. */
void hits_put(const struct ruleset *set, struct strbuf *out);

#endif
