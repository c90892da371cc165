/* SPDX-License-Identifier: ISC */
/*
 * What the account knows of an incident: the batches that belong to it, the facts that each wrote
 * down before its messages were gone, and the messages themselves as far as their IDs are kept.
 *
 * A child that is state_directory's owner reads the account. The caller gets numbers, queue IDs,
 * and texts that are scrubbed.
 */
#pragma once

#include "base/settings/settings.h"
#include "order/account/ledger.h"
#include "postfix/config/instance.h"

#define RECALL_BATCHES 500 /* the newest of those that belong to it */
#define RECALL_COUNTS  64  /* texts of a table of one batch */

/* What a facts line counts. */
enum fact_kind {
	FACT_SENDERS,
	FACT_RECIPIENTS,
	FACT_LOGINS,
	FACT_CLIENTS,
	FACT_REASONS,
	FACT_TABLES
};
extern const char *const fact_keys[FACT_TABLES]; /* in the account's JSON */

/* One of these, the others 0 or NULL. */
struct recall_wish {
	/* This batch; what has its token: the same order of the fleet, the same flood, the same
	 * standing order; and what undid one of these. */
	uint64_t batch;
	uint32_t flood;       /* batches of the daemon for it, and those with --flood=ID */
	const char *selector; /* batches with exactly this selector_text */
};

struct recall_count {
	char *is;
	uint64_t count;
};
struct recall_table {
	struct recall_count *list; /* the most frequent first */
	size_t count, cap;
	uint64_t others; /* of texts that are not in the list */
};
struct recall_minute {
	int64_t time; /* its first second, wall */
	uint64_t count;
};
struct recall_minutes {
	struct recall_minute *list; /* by time */
	size_t count, cap;
};
struct recall_numbers {
	uint64_t *list;
	size_t count, cap;
};
struct recalled {
	uint64_t number;
	enum ledger_effect effect;
	int64_t adopted; /* when a later command went on with it, wall microseconds; 0: never */
	bool facts;      /* the account has its facts: `tables` and `arrivals` */
	bool ids;        /* it has the IDs of all its messages: they are in `messages` */
	struct recall_numbers undoes;
	struct recall_minutes arrivals;
	struct recall_table tables[FACT_TABLES];
};

#define RECALL_EFFECTS (EFFECT_DELETES + 1)
struct recall {
	struct recalled *list; /* by number */
	size_t count, cap;
	uint64_t highest;  /* number ever used; 0: there is no account */
	uint64_t oldest;   /* number that the account has; 0: none */
	uint64_t left_out; /* batches past RECALL_BATCHES */
	bool rewritten;    /* the account was written anew: it has the newest batches only */
	/* Each message of these batches once, by what was last done to it. Sorted. */
	struct account_entries messages[RECALL_EFFECTS];
	/* The command was killed before it learned whether it was done. */
	struct account_entries doubt[RECALL_EFFECTS];
};

/* No state_directory or log: an empty recall. Release *ret in any case. */
int recall_read(const struct settings *s, const struct recall_wish *wish,
    const volatile sig_atomic_t *stop, struct recall *ret, struct err *err) NODISCARD;
void recall_release(struct recall *r);
const struct recalled *recall_find(const struct recall *r, uint64_t number); /* or NULL */

/* Looks in the queue for the messages in doubt: those whose effect shows go over to `messages`. */
int recall_settle(struct recall *r, const struct postfix *p, struct err *err) NODISCARD;

/* Whether they held or let go this message. */
bool recall_has(const struct recall *r, const struct queue_id *id, int64_t arrival);

/* Private. The child's half, recall_child.c; arg is a struct recall_wish. */
ledger_work recall_work;
/* What the child wrote, and nobody trusts: ERR_CHILD or -ENOMEM. Release *ret in any case. */
int recall_take(struct span bytes, struct recall *ret) NODISCARD;
void recalled_release(struct recalled *b);
