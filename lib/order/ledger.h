/* SPDX-License-Identifier: ISC */
/*
 * The account as a whole, for a process that is state_directory's owner: which batches there are,
 * and which messages they were about. Private to lib/order.
 */
#ifndef PQPURGE_ORDER_LEDGER_H
#define PQPURGE_ORDER_LEDGER_H

#include "base/json.h"
#include "mail/queue_id.h"
#include "order/account_entry.h"
#include "order/account_log.h"

/* What a batch does to the messages that others hold, or held. */
enum ledger_effect { EFFECT_NONE, EFFECT_HOLDS, EFFECT_FREES, EFFECT_DELETES };

struct ledger_batch {
	uint64_t number;
	enum ledger_effect effect;
	bool ended, running;
	bool undone;              /* by an undo that left nothing of it */
	uint32_t parts;           /* the highest part number */
	struct json *begin, *end; /* the lines; end may be NULL */
	bool wanted;              /* by ledger_entries */
};
struct ledger {
	struct ledger_batch *list; /* by number */
	size_t count, cap;
	uint64_t highest; /* number that was ever used */
	uint64_t kept;    /* bytes after the file was written anew; 0 = never */
};
int ledger_read(const struct account_log *log, struct ledger *ret, struct err *err) NODISCARD;
void ledger_release(struct ledger *ledger);
struct ledger_batch *ledger_find(const struct ledger *ledger, uint64_t number);

/* A message that a batch was about. */
struct ledger_entry {
	struct account_entry message;
	uint64_t batch;
	enum ledger_effect effect;
	uint32_t
	    order;  /* in which it happened; a hold that was adopted went on after later batches */
	bool doubt; /* postsuper got it, and no word came back */
};
struct ledger_entries {
	struct ledger_entry *list; /* in no certain order */
	size_t count, cap;
};
/* Those of the wanted batches with which it was done, and of those without end the ones in doubt.
 */
int ledger_entries(const struct account_log *log, const struct ledger *ledger,
    struct ledger_entries *ret, struct err *err) NODISCARD;
void ledger_entries_release(struct ledger_entries *e);
/*
 * Sorts by queue ID, arrival and order. *ret_end is behind the last entry of the message that
 * begins at `begin`.
 */
void ledger_entries_sort(struct ledger_entries *e);
size_t ledger_entries_next(const struct ledger_entries *e, size_t begin);

#endif
