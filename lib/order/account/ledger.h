/* SPDX-License-Identifier: ISC */
/* Private to lib/order: the content of the account, batches and their messages. For a process that
 * is state_directory's owner, except account_entry, which the command uses, too. */
#pragma once

#include "base/array.h"
#include "base/role.h"
#include "mail/queue_id.h"
#include "order/account/account.h"
#include "order/account/account_log.h"
#include "order/account/sums.h"

/* Queue ID and time of arrival are a message's identity. */

struct account_entry {
	struct queue_id queue_id;
	int64_t arrival_time; /* T record, wall clock, microseconds */
};
struct account_entries {
	struct account_entry *list;
	size_t count, cap;
};
void account_entries_release(struct account_entries *e);

int account_entry_compare(const void *a, const void *b);
/* Appends to a text "QUEUEID arrival QUEUEID arrival". */
void account_entry_put(struct strbuf *text, const struct account_entry *entry);
/* ERR_CHILD if such a text is malformed. */
int account_entries_parse(const char *text, struct account_entries *ret) NODISCARD;

/* What a batch does to messages in hold. */
enum ledger_effect { EFFECT_NONE, EFFECT_HOLDS, EFFECT_FREES, EFFECT_DELETES };

/* The messages of one postsuper. */
struct ledger_part {
	uint32_t number;
	uint32_t order; /* place among all events: an adopted hold continues after later batches */
	bool doubt;     /* its result is unknown */
	char *ids;
};
struct ledger_numbers {
	uint64_t *list;
	size_t count, cap;
};
struct ledger_batch {
	struct batch told;
	enum ledger_effect effect;
	bool ended, refused, undone; /* undone: by an undo that left none of it held */
	bool interrupted;            /* ended before all was done */
	uint32_t last_part;          /* the highest part number */
	int64_t adopted;             /* when a later command continued it; 0: never */
	struct ledger_numbers undoes;
	ARRAY_OF(struct ledger_part) parts;
	struct strbuf held; /* for ledger_compact: what it holds */
};
struct ledger {
	struct ledger_batch *list; /* by number */
	size_t count, cap;
	bool all;            /* also keep parts of ended batches */
	uint64_t highest;    /* ever used */
	uint64_t written;    /* size of the file when it was last written anew; 0: never */
	struct sums dropped; /* of batches that the log has dropped */
	uint32_t order;
};
/* Release *ret in any case. */
int ledger_read(
    const struct account_log *log, bool all, struct ledger *ret, struct err *err) NODISCARD;
void ledger_release(struct ledger *ledger);
struct ledger_batch *ledger_find(const struct ledger *ledger, uint64_t number);

/* For a batch that did not end: returns how many were done, and writes those in doubt. */
uint64_t ledger_doubt(struct ledger_batch *batch, struct strbuf *ret_doubt);

struct ledger_entry {
	struct account_entry message;
	struct ledger_batch *batch;
	uint32_t order;
	bool doubt;
};
struct ledger_entries {
	struct ledger_entry *list; /* by queue ID, arrival and order */
	size_t count, cap;
};
/* Lists the messages of all parts of batches that have an effect. */
int ledger_entries(const struct ledger *ledger, struct ledger_entries *ret) NODISCARD;
/* Returns the end of the entries of the message that begins at `begin`. *ret_last: the last entry
 * that counts, or NULL. An entry in doubt counts only if it holds. */
size_t ledger_message(
    const struct ledger_entries *e, size_t begin, const struct ledger_entry **ret_last);

/* A question that a child, which is state_directory's owner, answers from the ledger. */
struct ledger_question {
	bool all; /* as for ledger_read */
	/* The child's half. It may read the log once more. */
	int (*put)(void *arg, struct ledger *ledger, const struct account_log *log,
	    struct bytes *out, struct err *err);
	/* The caller's half: reads all of the child's output, which is not trusted. */
	int (*take)(void *arg, struct reader *r, struct err *err);
};
/* ledger_ask.c. -ENOENT without such a directory. */
int ledger_ask(const struct settings *s, const volatile sig_atomic_t *stop,
    const struct ledger_question *q, void *arg, struct err *err) NODISCARD;
/* The two halves. */
int ledger_put(const struct account_log *log, const struct ledger_question *q, void *arg,
    struct bytes *out, struct err *err) NODISCARD;
int ledger_take(
    struct span answer, const struct ledger_question *q, void *arg, struct err *err) NODISCARD;
