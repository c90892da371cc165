/* SPDX-License-Identifier: ISC */
/* Blocks: the rules that a command line means are all checked, then set one by one: by the daemon
 * or, while none runs, in its file. For block and purge --block. */
#pragma once

#include "index/control/client.h"
#include "mail/selector/selector.h"
#include "postfix/config/instance.h"
#include "purge/rules/rulebox.h"
#include "purge/session.h"

struct block_plan {
	struct rule_list rules;
};

struct block_terms {
	enum rule_action action;
	const char *text;
	const char *reason, *author;
	int64_t now, expires; /* wall; expires 0 = until unblocked */
	bool subdomains;
};

/* Adds a rule for subject (pqpurge-rules(5)); a domain with subdomains takes two. */
int block_plan_add(struct block_plan *plan, const char *subject, const struct block_terms *terms,
    struct err *err) NODISCARD;
/* Adds rules for a selector's patterns, --sender, --from, --login, --client. */
int block_plan_selector(struct block_plan *plan, const struct selector *selector,
    const struct block_terms *terms, struct err *err) NODISCARD;
void block_plan_release(struct block_plan *plan);

/* Whether a rule would refuse bounces or mail of this host's own domains ($myorigin,
 * $mydestination): words in buf, else NULL. */
const char *block_doubt(const struct rule *r, const struct postfix *p, char *buf, size_t size);

struct block_answer {
	bool was_there; /* updated or removed */
	bool by_daemon; /* in force now, not only when the daemon starts */
	bool saved;
};
int block_set(const struct index_client *client, const struct rule *r, struct block_answer *ret,
    struct err *err) NODISCARD;
int block_unset(const struct index_client *client, const char *subject, struct block_answer *ret,
    struct err *err) NODISCARD;

/* ---- in words */

/* lasts: microseconds; 0 = until unblocked. */
struct block_terms block_terms_of(const struct session *s, enum rule_action action, int64_t lasts);
/* Tells doubts (block_doubt) on stderr; returns how many. */
unsigned block_doubts(const struct session *s, const struct block_plan *plan);
/* Tells on stderr what the plan does not stop: mail that passes by OK rules that outrank it, or by
 * settings of Postfix. Best effort. */
void block_tell_exceptions(const struct session *s, const struct block_plan *plan);
/* Tells that sessions which lost the milter are not covered, if the daemon started within the
 * hour. */
void block_tell_sessions(FILE *to, const struct session *s);
/* Tells the result of one rule. */
void block_tell(FILE *to, const struct rule *r, const struct block_answer *answer);
/* "2026-11-24 17:40:17" or "unblocked"; returns buf. */
char *block_until(const struct rule *r, char *buf, size_t size);
