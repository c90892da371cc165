/* SPDX-License-Identifier: ISC */
/* Blocks, for block and purge --block. A command line's rules are first checked, then set one by
 * one: by the daemon or, if none runs, in its file. */
#pragma once

#include "index/control/client.h"
#include "mail/selector/selector.h"
#include "postfix/config/instance.h"
#include "purge/rules/rulebox.h"
#include "purge/session.h"

struct block_terms {
	enum rule_action action;
	const char *text;
	const char *reason, *author;
	int64_t now, expires; /* wall microseconds; expires 0 = until unblocked */
	bool subdomains;
};

/* Adds to a plan, the rules of one command line. subject as in pqpurge-rules(5). A domain with
 * subdomains takes two rules. */
int block_plan_add(struct rule_list *plan, const char *subject, const struct block_terms *terms,
    struct err *err) NODISCARD;
/* For the selector's patterns, --sender, --from, --login, --client. */
int block_plan_selector(struct rule_list *plan, const struct selector *selector,
    const struct block_terms *terms, struct err *err) NODISCARD;

/* Words in buf if the rule would refuse bounces or mail of this host's own domains ($myorigin,
 * $mydestination), or NULL. */
const char *block_doubt(const struct rule *r, const struct postfix *p, char *buf, size_t size);

struct block_answer {
	bool was_there; /* the rule was updated or removed */
	bool by_daemon; /* in force now, not only after the daemon's next start */
	bool saved;
};
int block_set(const struct index_client *client, const struct rule *r, struct block_answer *ret,
    struct err *err) NODISCARD;
int block_unset(const struct index_client *client, const char *subject, struct block_answer *ret,
    struct err *err) NODISCARD;

/* lasts: microseconds; 0 = until unblocked. */
struct block_terms block_terms_of(const struct session *s, enum rule_action action, int64_t lasts);
/* Prints doubts (block_doubt) on stderr. Returns their number, or ERR_USAGE: nobody can be asked
 * about them, and neither '--yes' nor '--dry-run' was given. */
int block_doubts(const struct session *s, const struct rule_list *plan, struct err *err);
/* block_doubts, and asks if necessary. 1 yes, 0 no (reported), or ERR_USAGE. */
int block_ask(const struct session *s, const struct rule_list *plan, const char *question,
    struct err *err) NODISCARD;
/* Prints on stderr which mail passes nevertheless, by OK rules that outrank the plan or by settings
 * of Postfix. Best effort. */
void block_tell_exceptions(const struct session *s, const struct rule_list *plan);
/* If the daemon started within the last hour: says that sessions which lost the milter are not
 * covered. */
void block_tell_sessions(FILE *to, const struct session *s);
void block_tell(FILE *to, const struct rule *r, const struct block_answer *answer);
/* "2026-11-24 17:40:17" or "unblocked". Returns buf. */
char *block_until(const struct rule *r, char *buf, size_t size);
