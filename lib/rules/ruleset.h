/* SPDX-License-Identifier: ISC */
/* A rule set: the file's rules, the fleet's and the command's, compiled into one immutable,
 * reference-counted snapshot that threads search without a lock. Expressions aside, the cost of a
 * search does not depend on the number of rules.
 *
 * Order: pqpurge-rules(5), LOOKUP. The command's expressions come first, in the order they were
 * set; at equal specificity the command's rule outranks the fleet's, and that the file's. An
 * expired rule hides nothing. WARN is noted, and the search goes on. */
#pragma once

#include "rules/rules_file.h"

struct ruleset;

typedef void ruleset_told(void *arg, const struct rule *r, uint64_t number);

/* Takes the rules of both lists over (either may be NULL), also on failure: NULL, no memory. Of two
 * rules in a list with one subject the first counts. Unless login_exact, logins are compared
 * without ASCII case, by expressions, too. */
struct ruleset *ruleset_new(
    struct rule_list *from_file, struct rule_list *from_command, bool login_exact);
/* A new set with other rules of the file, or of the command, that shares the rest. Counters go on
 * for rules with the same subject. */
struct ruleset *ruleset_with_file(const struct ruleset *set, struct rule_list *from_file);
struct ruleset *ruleset_with_command(const struct ruleset *set, struct rule_list *from_command);
struct ruleset *ruleset_with_fleet(const struct ruleset *set, struct rule_list *from_fleet);
struct ruleset *ruleset_ref(struct ruleset *set);
void ruleset_unref(struct ruleset *set);

struct ruleset_query {
	const char *login;                /* "" or NULL: none */
	const struct net_address *client; /* NULL or family 0: none */
	const struct address *address;    /* envelope sender or one From mailbox; NULL: not asked */
	bool plain;                       /* do not try expressions for addresses */
	int64_t wall;
};
struct ruleset_hit {
	const struct rule *rule;   /* NULL: none. Lives as long as the set. */
	const struct rule *warned; /* the first WARN rule passed on the way, or NULL */
};
struct ruleset_hit ruleset_find(struct ruleset *set, const struct ruleset_query *query);

/* The command's rules come first, then the fleet's. A NULL set has none. */
size_t ruleset_count(const struct ruleset *set);
size_t ruleset_command_count(const struct ruleset *set);
size_t ruleset_fleet_count(const struct ruleset *set);
const struct rule *ruleset_at(const struct ruleset *set, size_t n);
/* How often expressions hit their limits, and so did not match. If take is not NULL, tells it the
 * number of each and counts from zero again. */
uint64_t ruleset_limit_errors(const struct ruleset *set, ruleset_told *take, void *arg);

/* How often each rule decided: state_directory/hits, a cache that may be lost. Lines are a number,
 * "file", "fleet" or "command", and the subject: "17 command example.com". */
#define HITS_FILE "hits"
/* Adds the hits of a text to the set's rules; skips what makes no sense. */
void hits_take(const char *text, size_t len, const struct ruleset *set);
/* Does so for the file in directory, if it can be read. */
void hits_read(const char *directory, const struct ruleset *set);
/* Writes all rules with hits; returns the sum. Out of memory is sticky in out. */
uint64_t hits_put(const struct ruleset *set, struct strbuf *out);
