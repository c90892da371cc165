/* SPDX-License-Identifier: ISC */
/* A rule set: the rules of the file, the fleet and the command, compiled into one immutable,
 * reference-counted snapshot that threads search without a lock. Apart from expressions, the cost
 * of a search does not depend on the number of rules.
 *
 * pqpurge-rules(5), LOOKUP, gives the order. The command's expressions come first, in the order in
 * which they were set. At equal specificity a rule of the command outranks one of the fleet, which
 * outranks one of the file. An expired rule hides nothing. A WARN rule is noted, and the search
 * goes on. */
#pragma once

#include "rules/rules_file.h"

struct ruleset;

typedef void ruleset_told(void *arg, const struct rule *r, uint64_t number);

/* Either list may be NULL; their rules are taken over even on failure (NULL: out of memory). If two
 * rules of a list have the same subject, the first counts. Unless login_exact, logins are compared
 * without regard to ASCII case, also by expressions. */
struct ruleset *ruleset_new(
    struct rule_list *from_file, struct rule_list *from_command, bool login_exact);
/* A new set with other rules of one origin, which shares all else. A rule with the same subject
 * keeps its counter. */
struct ruleset *ruleset_with(
    const struct ruleset *set, enum rule_origin origin, struct rule_list *rules);
struct ruleset *ruleset_ref(struct ruleset *set);
void ruleset_unref(struct ruleset *set);

struct ruleset_query {
	const char *login;                /* NULL or "": none */
	const struct net_address *client; /* NULL or family 0: none */
	/* Envelope sender, or one From mailbox; NULL: not asked. */
	const struct address *address;
	bool plain; /* do not try expressions on the address */
	int64_t wall;
};
struct ruleset_hit {
	const struct rule *rule;   /* NULL: none; lives as long as the set */
	const struct rule *warned; /* the first WARN rule that matched before, or NULL */
};
struct ruleset_hit ruleset_find(struct ruleset *set, const struct ruleset_query *query);

/* The rules of one origin; they live as long as the set. */
const struct rule_list *ruleset_rules(const struct ruleset *set, enum rule_origin origin);
/* All of them, in the order of enum rule_origin. A NULL set has none. */
size_t ruleset_count(const struct ruleset *set);
const struct rule *ruleset_at(const struct ruleset *set, size_t n);
/* How often expressions hit their limits and therefore did not match. If take is not NULL, it gets
 * the number of each rule, and counting restarts at zero. */
uint64_t ruleset_limit_errors(const struct ruleset *set, ruleset_told *take, void *arg);

/* How often each rule decided, in state_directory/hits: a cache that may be lost. A line is a
 * number, "file", "fleet" or "command", and the subject: "17 command example.com". */
#define HITS_FILE "hits"
/* Adds a text's hits to the set's rules. Skips malformed lines. */
void hits_take(const char *text, size_t len, const struct ruleset *set);
/* The same for the file in directory, if it can be read. */
void hits_read(const char *directory, const struct ruleset *set);
/* Returns the sum. Out of memory is sticky in out. */
uint64_t hits_put(const struct ruleset *set, struct strbuf *out);
