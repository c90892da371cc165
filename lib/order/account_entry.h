/* SPDX-License-Identifier: ISC */
/* Messages as the account has them: queue ID and time of arrival, which are an identity. Private to
 * lib/order. */
#ifndef PQPURGE_ORDER_ACCOUNT_ENTRY_H
#define PQPURGE_ORDER_ACCOUNT_ENTRY_H

#include "base/str.h"
#include "mail/queue_id.h"

struct account_entry {
	struct queue_id queue_id;
	int64_t arrival_time; /* T record, wall microseconds */
};
/* Zero-initialise. */
struct account_entries {
	struct account_entry *list;
	size_t count, cap;
};
void account_entries_release(struct account_entries *e);

int account_entry_compare(const struct account_entry *a, const struct account_entry *b);
/* As text: "QUEUEID arrival QUEUEID arrival". */
void account_entry_put(struct strbuf *text, const struct account_entry *entry);
/* 1 and the next one, 0 at the end, ERR_SYNTAX. */
int account_entry_next(const char **text, struct account_entry *ret);
/* All of a text. ERR_CHILD for what is none, or -ENOMEM. */
int account_entries_parse(const char *text, struct account_entries *ret) NODISCARD;

#endif
