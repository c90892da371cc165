/* SPDX-License-Identifier: ISC */
/* For reports on mail that is gone: how many messages arrived when, of which senders, recipients,
 * logins and clients, and why they waited. Bounded. Private to lib/order. */
#pragma once

#include "order/order.h"

#define FACTS_KEYS    4096 /* different texts counted */
#define FACTS_TOLD    50   /* the most frequent are written */
#define FACTS_MINUTES 1440 /* the latest minutes of arrival are written */
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

/* Reads why open and ready items wait, from some of their logs, in a child. Best effort. */
void facts_read_reasons(
    struct facts *facts, const struct postfix *p, const struct outcome *outcome);
/* The account's line on what is RESULT_DONE. Call it once, last. -ENOMEM. */
int facts_line(struct facts *facts, const struct outcome *outcome, uint64_t batch,
    struct strbuf *ret) NODISCARD;
