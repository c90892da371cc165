/* SPDX-License-Identifier: ISC */
/*
 * Blocks: the rules that a command line means, checked before anything is set, then set one by one:
 * by the daemon, or, while none runs, in its file. block and purge --block share this.
 */
#ifndef PQPURGE_PURGE_BLOCKING_H
#define PQPURGE_PURGE_BLOCKING_H

#include "index/client.h"
#include "mail/selector.h"
#include "postfix/config/instance.h"
#include "purge/rules/rulebox.h"

/* Zero-initialise. */
struct block_plan {
	struct rule_list rules;
};

/* What all rules of a plan have in common. */
struct block_terms {
	enum rule_action action;
	const char *text; /* NULL: the action's default */
	const char *reason, *author;
	int64_t now, expires; /* wall microseconds; expires 0 = until unblocked */
	bool subdomains;      /* a domain means its subdomains, too */
};

/* Adds the rule, or rules (a domain with its subdomains is two), of a subject as pqpurge-rules(5)
 * writes it. */
int block_plan_add(struct block_plan *plan, const char *subject, const struct block_terms *terms,
    struct err *err) NODISCARD;
/* Adds what the senders' side of a selector names: patterns, --sender, --from, --login, --client.
 */
int block_plan_selector(struct block_plan *plan, const struct selector *selector,
    const struct block_terms *terms, struct err *err) NODISCARD;
void block_plan_release(struct block_plan *plan);

/*
 * Says why a rule needs a second thought: it would refuse bounces (the null sender), or mail of
 * this host's own domains
 * ($myorigin, $mydestination). NULL where it does not; buf holds the words.
 */
const char *block_doubt(const struct rule *r, const struct postfix *p, char *buf, size_t size);

/* What became of one rule. */
struct block_answer {
	bool was_there; /* updated, or removed */
	bool by_daemon; /* in force now; else when the daemon starts */
	bool saved;     /* false: in force, not saved */
};
int block_set(const struct index_client *client, const struct rule *r, struct block_answer *ret,
    struct err *err) NODISCARD;
int block_unset(const struct index_client *client, const char *subject, struct block_answer *ret,
    struct err *err) NODISCARD;

#endif
