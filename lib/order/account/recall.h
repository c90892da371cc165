/* SPDX-License-Identifier: ISC */
/* What the account knows about an incident: the batches that belong to it, the facts that each
 * wrote before its messages were gone, and the messages, as far as their IDs are kept.
 *
 * A child that is state_directory's owner reads the account. The caller gets numbers, queue IDs,
 * and scrubbed texts. */
#pragma once

#include "base/settings/settings.h"
#include "order/account/ledger.h"
#include "postfix/config/instance.h"

#define RECALL_BATCHES 500 /* the newest ones that belong to it */
#define RECALL_COUNTS  64  /* texts in a table of one batch */

/* The tables of a facts line. */
enum fact_kind {
	FACT_SENDERS,
	FACT_RECIPIENTS,
	FACT_LOGINS,
	FACT_CLIENTS,
	FACT_REASONS,
	FACT_TABLES
};
extern const char *const fact_keys[FACT_TABLES]; /* in the account's JSON */

/* Set one; the others are 0 or NULL. */
struct recall_wish {
	/* This batch; the batches with its token (the same fleet order, the same flood, the same
	 * standing order); and the batches that undid any of them. */
	uint64_t batch;
	uint32_t flood;       /* the daemon's batches for this flood, and those with --flood=ID */
	const char *selector; /* batches with exactly this selector_text */
};

struct recall_count {
	char *is;
	uint64_t count;
};
struct recall_table {
	struct recall_count *list; /* the most frequent first */
	size_t count, cap;
	uint64_t others; /* messages with texts that are not in the list */
};
struct recall_minute {
	int64_t time; /* its first second, wall clock */
	uint64_t count;
};
struct recall_minutes {
	struct recall_minute *list; /* by time */
	size_t count, cap;
};
struct recalled {
	uint64_t number;
	enum ledger_effect effect;
	int64_t adopted; /* when a later command continued it, wall clock, microseconds; 0: never */
	bool facts;      /* the account has its `tables` and `arrivals` */
	bool ids;        /* the account has the IDs of all its messages, for `messages` */
	struct ledger_numbers undoes;
	struct recall_minutes arrivals;
	struct recall_table tables[FACT_TABLES];
};

#define RECALL_EFFECTS (EFFECT_DELETES + 1)
struct recall {
	struct recalled *list; /* by number */
	size_t count, cap;
	uint64_t highest;  /* ever used; 0: there is no account */
	uint64_t oldest;   /* the lowest number in the account; 0: none */
	uint64_t left_out; /* batches past RECALL_BATCHES */
	/* Each message once, under the last effect on it. Sorted. */
	struct account_entries messages[RECALL_EFFECTS];
	/* Their command was killed before it learned the result. */
	struct account_entries doubt[RECALL_EFFECTS];
};

/* Without state_directory or log the recall is empty. Release *ret in any case. */
int recall_read(const struct settings *s, const struct recall_wish *wish,
    const volatile sig_atomic_t *stop, struct recall *ret, struct err *err) NODISCARD;
void recall_release(struct recall *r);

/* Looks in the queue for messages in doubt. Those where the effect puts them go to `messages`. */
int recall_settle(struct recall *r, const struct postfix *p, struct err *err) NODISCARD;

/* Whether these batches held or released this message. */
bool recall_has(const struct recall *r, const struct queue_id *id, int64_t arrival);

/* Private: both halves, for tests; the child's half is in recall_child.c. arg: a struct recalling.
 */
struct recalling {
	const struct recall_wish *wish;
	struct recall *ret; /* zero at first */
};
extern const struct ledger_question recall_question;
int recall_put(void *arg, struct ledger *ledger, const struct account_log *log, struct bytes *out,
    struct err *err) NODISCARD;
