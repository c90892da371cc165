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
struct ledger_batch {
	struct batch told;
	enum ledger_effect effect;
	bool ended, refused, undone; /* undone: by an undo that left none of it held */
	bool interrupted;            /* ended before all was done */
	uint32_t last_part;          /* the highest part number */
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

/* Runs ask in a child that is state_directory's owner; -ENOENT without such a directory. */
typedef int ledger_work(void *arg, struct account_log *log, struct bytes *out, struct err *err);
int ledger_ask(const struct settings *s, bool writing, const volatile sig_atomic_t *stop,
    ledger_work *ask, void *arg, struct blob *ret, struct err *err) NODISCARD;
