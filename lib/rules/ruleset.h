/* SPDX-License-Identifier: ISC */
/*
 * A rule set: the file's rules and the command's, compiled into one immutable, counted snapshot
 * that any thread searches without a lock. The cost of a search does not depend on the number of
 * rules (expressions excepted).
 *
 * Order: pqpurge-rules(5), LOOKUP. Of expressions the command's come first, in the order they were
 * set, then the file's; at the same specificity the command's rule outranks the file's. An expired
 * rule does not match from its second on, and hides nothing. WARN is noted, and the search goes on.
 */
#ifndef PQPURGE_RULES_RULESET_H
#define PQPURGE_RULES_RULESET_H

#include "rules/rules_file.h"

struct ruleset;

/* Told of one rule and a number of it. */
typedef void ruleset_told(void *arg, const struct rule *r, uint64_t number);

/*
 * Builds a snapshot; takes the rules of both lists over (either may be NULL), also where it fails
 * (NULL: no memory). Of two rules of one list with one subject the first counts. Unless login_exact
 * logins are compared without ASCII case, by expressions too.
 */
struct ruleset *ruleset_new(
    struct rule_list *from_file, struct rule_list *from_command, bool login_exact);
/*
 * The same with other rules of the file, or of the command; the rest is shared with set. What was
 * counted of a rule of set counts for the one with its subject.
 */
struct ruleset *ruleset_with_file(const struct ruleset *set, struct rule_list *from_file);
struct ruleset *ruleset_with_command(const struct ruleset *set, struct rule_list *from_command);
struct ruleset *ruleset_ref(struct ruleset *set); /* NULL stays NULL */
void ruleset_unref(struct ruleset *set);          /* the last one frees */

/* What is known of a mail when it is looked up. */
struct ruleset_query {
	const char *login;                /* "" or NULL: none */
	const struct net_address *client; /* NULL or family 0: none */
	const struct address *address;    /* envelope sender or one From mailbox; NULL: not asked */
	bool plain;                       /* expressions for addresses are not tried */
	int64_t wall;
};
struct ruleset_hit {
	const struct rule *rule;   /* NULL: no rule. Lives as long as the set. */
	const struct rule *warned; /* the first WARN rule passed on the way; NULL if none */
};
struct ruleset_hit ruleset_find(struct ruleset *set, const struct ruleset_query *query);

/* All rules, the command's first. NULL set: none. */
size_t ruleset_count(const struct ruleset *set);
size_t ruleset_command_count(const struct ruleset *set);
const struct rule *ruleset_at(const struct ruleset *set, size_t n);
/* Tells of expressions how often they ran into their limits, and so did not match, since then. */
void ruleset_take_limit_errors(const struct ruleset *set, ruleset_told *fn, void *arg);
/* How often that happened and was not taken yet. */
uint64_t ruleset_limit_errors(const struct ruleset *set);

/*
 * How often each rule decided: state_directory/hits, a cache that may be lost. A line is the
 * number, "file" or "command", and the subject: "17 command example.com".
 */
#define HITS_FILE "hits"
/* Adds what such a text says to the hits of the set's rules; what makes no sense is left out. */
void hits_take(const char *text, size_t len, const struct ruleset *set);
/* The same for the file in directory; missing or unreadable: nothing. */
void hits_read(const char *directory, const struct ruleset *set);
/* The text of all rules of a set with hits; returns their sum. Out of memory is sticky in out. */
uint64_t hits_put(const struct ruleset *set, struct strbuf *out);

#endif
