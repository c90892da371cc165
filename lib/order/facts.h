/* SPDX-License-Identifier: ISC */
/*
 * What a report is made of when the messages are gone: how many arrived when, of which senders,
 * recipients, logins and clients, and why they waited. Bounded. Private to lib/order.
 */
#ifndef PQPURGE_ORDER_FACTS_H
#define PQPURGE_ORDER_FACTS_H

#include "order/order.h"

#define FACTS_KEYS    4096 /* different ones that are counted */
#define FACTS_TOLD    50   /* of these, the most frequent */
#define FACTS_MINUTES 1440 /* of arrival, the latest */
#define FACTS_REASONS 1000 /* messages whose reasons are read */

struct fact {
	char *text; /* NULL: a free place */
	uint64_t count;
};
struct fact_table {
	struct fact *list; /* twice FACTS_KEYS places */
	size_t used;
	uint64_t others; /* of texts for which there was no place */
};
enum { SENDERS, RECIPIENTS, LOGINS, CLIENTS, REASONS, FACT_TABLES };
/* Zero-initialise. */
struct facts {
	struct fact_table tables[FACT_TABLES];
};
void facts_release(struct facts *facts);

/* Why the items that are to be acted on wait: read from some of their logs, in a child. Best
 * effort. */
void facts_read_reasons(
    struct facts *facts, const struct postfix *p, const struct outcome *outcome);
/* The account's line of a batch, of what is RESULT_DONE; once, last. -ENOMEM. */
int facts_line(struct facts *facts, const struct outcome *outcome, uint64_t batch,
    struct strbuf *ret) NODISCARD;

#endif
