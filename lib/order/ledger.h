/* SPDX-License-Identifier: ISC */
/*
 * What stands in the account: its batches, and the messages that they were about. For a process
 * that is state_directory's owner, but for the messages, which the command reads, too. Private to
 * lib/order.
 */
#ifndef PQPURGE_ORDER_LEDGER_H
#define PQPURGE_ORDER_LEDGER_H

#include "base/role.h"
#include "mail/queue_id.h"
#include "order/account.h"
#include "order/account_log.h"

/* ---- messages: queue ID and time of arrival, which are an identity */

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

int account_entry_compare(const void *a, const void *b);
/* As text: "QUEUEID arrival QUEUEID arrival". */
void account_entry_put(struct strbuf *text, const struct account_entry *entry);
/* All of a text. ERR_CHILD for what is none, or -ENOMEM. */
int account_entries_parse(const char *text, struct account_entries *ret) NODISCARD;

/* ---- batches */

/* What a batch does to the messages that others hold, or held. */
enum ledger_effect { EFFECT_NONE, EFFECT_HOLDS, EFFECT_FREES, EFFECT_DELETES };

/* Messages that a postsuper got together. */
struct ledger_part {
	uint32_t number;
	uint32_t order; /* of what happened; a hold that was adopted went on after later batches */
	bool doubt;     /* no word came back */
	char *ids;
};
struct ledger_batch {
	struct batch told;
	enum ledger_effect effect;
	bool ended, refused, undone; /* by an undo that left nothing of it */
	uint32_t last_part;          /* the highest number of one */
	struct {
		struct ledger_part *list;
		size_t count, cap;
	} parts;
	struct strbuf held; /* ledger_compact's: what it holds */
};
struct ledger {
	struct ledger_batch *list; /* by number */
	size_t count, cap;
	bool all;         /* parts of batches that ended are kept, too */
	uint64_t highest; /* number that was ever used */
	uint64_t written; /* bytes after the file was written anew; 0 = never */
	uint32_t order;
};
int ledger_read(
    const struct account_log *log, bool all, struct ledger *ret, struct err *err) NODISCARD;
void ledger_release(struct ledger *ledger);
struct ledger_batch *ledger_find(const struct ledger *ledger, uint64_t number);

/* Of a batch that did not end: with how many messages it was done, and those that are still in
 * doubt. */
uint64_t ledger_doubt(struct ledger_batch *batch, struct strbuf *ret_doubt);

/* A message that a batch was about. */
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
/* All that stands in the parts of batches with an effect. -ENOMEM. */
int ledger_entries(const struct ledger *ledger, struct ledger_entries *ret) NODISCARD;
/*
 * Where the entries end of the message that begins at `begin`. *ret_last says how it stands: its
 * last entry, but one in doubt takes nothing out of a hold; NULL where only such are there.
 */
size_t ledger_message(
    const struct ledger_entries *e, size_t begin, const struct ledger_entry **ret_last);

/* ---- for a command */

/* What a child does that is state_directory's owner: -ENOENT where there is no such directory. */
typedef int ledger_work(void *arg, struct account_log *log, struct bytes *out, struct err *err);
int ledger_ask(const struct settings *s, bool writing, const volatile sig_atomic_t *stop,
    ledger_work *work, void *arg, struct blob *ret, struct err *err) NODISCARD;

#endif
