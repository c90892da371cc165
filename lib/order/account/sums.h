/* SPDX-License-Identifier: ISC */
/* What all batches of the account did, added up by verb. When the log drops old batches
 * (ledger_compact), it keeps their sums in lines {"sums":BATCHES,"verb":"purge",..}. So sums never
 * fall while the log exists. */
#pragma once

#include "order/account/account.h"
#include "order/account/account_log.h"

enum sum_verb { SUM_PURGE, SUM_HOLD, SUM_RELEASE, SUM_UNDO, SUM_RETRY, SUM_VERBS };
const char *sum_verb_word(enum sum_verb verb); /* "purge", as in the account */

struct sum {
	uint64_t batches, done, gone, changed, failed;
};
struct sums {
	struct sum verbs[SUM_VERBS];
};
/* In a child that is state_directory's owner. Without state_directory or log all are 0. Of a batch
 * that still runs, or was killed, only what is known to be done counts. */
int sums_read(const struct settings *s, const volatile sig_atomic_t *stop, struct sums *ret,
    struct err *err) NODISCARD;

/* For the other files of the account. Other verbs are ignored. A sum stops at INT64_MAX. */

void sums_add(struct sums *sums, const struct batch *b);
void sums_add_line(struct sums *sums, const struct account_line *line);
void sums_put_lines(const struct sums *sums, struct strbuf *to);
