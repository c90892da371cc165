/* SPDX-License-Identifier: ISC */
/* What the steps of the walk share. Private to lib/order, as all below. */
#pragma once

#include "base/labels.h"
#include "order/account/recall.h"
#include "order/account/writer.h"
#include "order/catchup/catchup.h"
#include "order/order.h"

/* ---- account/facts.c: for reports on mail that is gone: how many messages arrived when, of which
 * senders, recipients, logins and clients, and why they waited. Bounded. */

#define FACTS_KEYS    4096 /* different texts counted */
#define FACTS_TOLD    50   /* the most frequent are written */
#define FACTS_MINUTES 1440 /* the latest minutes of arrival are written */
#define FACTS_REASONS 1000 /* messages whose reasons are read */

struct fact_table {
	struct labels names; /* counted */
	uint64_t others;     /* of texts for which there was no place */
};
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

/*
 * ---- holds.c: what our hold batches hold, by the account: messages that they put into the hold
 * queue, and that no batch took out since. Includes those in doubt (the command was killed), which
 * may not lie in hold.
 */

/* Messages that order->undo's batches no longer hold. */
struct holds_lost {
	uint64_t released, held_again;
	uint64_t batch; /* one that did so */
	uint64_t doubt; /* of what they hold: a killed command handed it to postsuper */
};
/* What order->undo's batches still hold, or if there are none, all batches; sorted. ERR_USAGE with
 * words: one of order->undo is no hold batch. */
int holds_read(const struct order *order, struct account_entries *ret, struct holds_lost *ret_lost,
    struct err *err) NODISCARD;
bool holds_contain(const struct account_entries *holds, const struct account_entry *message);

/* Where these messages lie: *ret is malloc'd, the bit of a queue for each; 0: no queue has a file
 * of that ID and arrival. */
int holds_look(const struct postfix *p, const struct account_entries *messages, uint8_t **ret,
    struct err *err) NODISCARD;

/* Candidates of which only ID and arrival are known. -ENOMEM. */
int holds_candidates(
    const struct account_entry *list, size_t count, struct candidates *ret) NODISCARD;

/* ---- the walk */

/* Microseconds from the first proof of a look to its postsuper. After ^Z or ^S it is older, and the
 * look is made again. Where that many looks in a row took so long, age counts from their end: files
 * that are not in memory may take longer. */
#define ORDER_PROOF_AGAIN 3
#define ORDER_PROOF_AGE   INT64_C(1000000)

/* One order on its way. */
struct run {
	struct order *order;
	struct outcome *outcome;
	const struct action_row *row;
	struct postfix looking; /* the instance; looks end on order->stop */
	struct index_client index;
	struct writer *writer; /* of the account; NULL until a message is to be touched */
	struct facts facts;
	uint64_t done_before;         /* by the killed command whose batch we adopted */
	struct account_entries doubt; /* what it handed to postsuper, not settled yet */
	struct queue_place place;     /* of the queue directory, after a catch-up */
	uint64_t left_to_index;       /* files that the last catch-up did not read */
	uint64_t selected;            /* index_changes before the last selection; 0 unknown */
	bool unchanged;               /* the index still said the same in the last catch-up */
	bool indexed;                 /* the index answers */
	bool distrusted;              /* it has damaged rows: all files are read */
	bool unaccounted;             /* writing the account failed, and has ended */
	bool touched;                 /* a postsuper was started */
	bool approved;                /* somebody saw the preview and said yes */
	bool certain;                 /* an ID without a name has left (sync_counts) */
	int64_t began;                /* wall; of this pass */
};

static inline bool order_stopped(const struct order *order)
{
	return (order->stop && *order->stop) ||
	       (order->taken_back && order->taken_back(order->taken_back_arg));
}
static inline void order_show(const struct order *order, const char *doing, size_t done, size_t of)
{
	if (order->progress)
		order->progress(order->progress_arg, doing, done, of);
}

/* A part of a pass. */
typedef int order_step(struct run *run, struct err *err);

/* ---- outcome.c */

/* What the items point into. */
struct outcome_memory {
	struct {
		struct candidates *list;
		size_t count, cap;
	} taken;
	struct {
		char **list;
		size_t count, cap;
	} words;
	uint32_t *map; /* by queue ID: positions of items plus one; 0 = empty */
	size_t map_size;
};

struct outcome_memory *order_memory(struct outcome *outcome); /* makes it if missing; or NULL */
void order_fail(struct outcome *outcome, struct item *item, const char *words); /* copies words */
/* As a proof in PROOF_ERROR says. */
void order_fail_look(struct outcome *outcome, struct item *item, const struct proof *proof);
/* Adds to outcome->trouble; the same words only once. */
void order_trouble(struct outcome *outcome, const struct err *err);
/* Open and ready items get the result of the previous pass, or RESULT_UNTOUCHED. */
void order_leave(struct outcome *outcome);
void order_tally(struct outcome *outcome); /* counts all results again */

/* Bits of results. */
#define IS_OPEN    (1u << RESULT_NONE)
#define IS_READY   (1u << RESULT_READY)
#define IS_DONE    (1u << RESULT_DONE)
#define IS_GONE    (1u << RESULT_GONE)
#define IS_ANOTHER (1u << RESULT_CHANGED | 1u << RESULT_UNPROVEN)
static inline bool item_is(const struct item *item, unsigned results)
{
	return (results & 1u << item->result) != 0;
}

bool order_any(const struct outcome *outcome, unsigned results);

/* Positions of some items. */
struct chosen {
	size_t *at;
	size_t count;
	struct queue_id *ids; /* by chosen_ids */
};
/* Items with one of these results for which `is` (may be NULL) holds. Release *ret in any case. */
int order_choose(const struct outcome *outcome, unsigned results,
    bool (*is)(const struct item *item), struct chosen *ret, struct err *err) NODISCARD;
int chosen_ids(struct chosen *c, const struct outcome *outcome, struct err *err) NODISCARD;
void chosen_release(struct chosen *c);

/* ---- items.c */

/* Makes items of what the index selects. An index that does not answer is no failure. */
order_step order_select;
/* Makes items of IDs of --id that have none and lie in no queue. */
order_step order_add_unheard;
/* Takes candidates over in any case. Each queue ID has one item in a pass: a later candidate
 * replaces one that is open, or was not proven. */
int order_take(struct run *run, struct candidates *candidates, struct err *err) NODISCARD;
void order_renew(struct outcome *outcome); /* begins a pass: no item is fresh */
/* NULL: there is none. */
struct item *order_find(struct outcome *outcome, const struct queue_id *id);
int64_t order_arrival(const struct item *item); /* by its file, else by its row */
void order_sort(struct outcome *outcome);       /* by arrival; positions change */
/* As order_choose, the oldest first. */
int order_choose_oldest(
    struct outcome *outcome, unsigned results, struct chosen *ret, struct err *err) NODISCARD;
/* Whether the notice goes only to senders that the patterns mean. */
bool order_notice_is_meant(const struct selector *s, const struct message *m);

/* ---- prove.c */

order_step order_prove;       /* all that is open */
order_step order_apply_limit; /* excludes all but the oldest */
/* Looks at the items at these positions: *ret is malloc'd, a proof for each. */
int order_look(
    struct run *run, const size_t *at, size_t count, struct proof **ret, struct err *err) NODISCARD;
/* The same in two steps, as spool_prove_start. */
int order_look_start(struct run *run, const struct postfix *p, const size_t *at, size_t count,
    size_t departed, struct spool_proving **ret, struct err *err) NODISCARD;
int order_look_finish(struct run *run, struct spool_proving *look, const size_t *at, size_t count,
    struct proof **ret, int64_t *ret_since, struct err *err) NODISCARD;
/* Before anything is done: keeps proof in the item and sets its result. */
void order_judge(struct run *run, struct item *item, const struct proof *proof);

/* After postsuper had it: the item has its result, is worth another try, or is still arriving. */
enum settled { SETTLED, SETTLE_AGAIN, SETTLE_WAIT };
/* said: postsuper reported it as done; after: a look since then; last: the last try; complaint: its
 * last warning or "". */
enum settled order_settle(const struct action_row *row, struct outcome *outcome, struct item *item,
    const struct proof *after, bool said, bool last, const char *complaint);

/* ---- resolve.c, unsure.c */

/* Opens items again: changed or unproven ones if the file itself matches, with it as candidate; and
 * gone ones that are there after all. */
order_step order_resolve;
void order_drop(struct run *run); /* tells the index what has left */
/* Decides by its queue file each item of which the index does not know all recipients: it stays
 * open, or is RESULT_EXCLUDED. Unreadable ones are trouble. */
order_step order_decide_unsure;
/* Counts other_recipients of what is ready by the files; a row may be of before a delivery. */
order_step order_count_others;

/* ---- act.c, save.c */

/* Proves, saves if order->save is set, and acts on all that is open or ready. */
order_step order_act;
/* Saves all that is ready. A message that cannot be saved fails; if the directory can take no more
 * (a full disk, a quota) all fail, so nothing is deleted. Errors: no child could be started. */
order_step order_save;

/* ---- release.c */

/* Exclude what others hold; fail what would bounce at once. */
order_step order_leave_foreign, order_leave_overdue;
/* Makes items of what order->undo's batches still hold. ERR_USAGE: one is no hold batch. */
order_step order_select_undo;
/* "5d", "36h", "5" (days), as main.cf writes it. ERR_SYNTAX. */
int order_parse_lifetime(const char *text, int64_t *ret_usec) NODISCARD;

/* ---- account/order_account.c */

order_step order_account_begin; /* before the first message is touched; once is enough */
/* The account cannot be written: it ends here, which is trouble. */
void order_account_lose(struct run *run, int code, const struct err *why);
void order_account_end(struct run *run); /* sets outcome->accounted */

/* ---- pass.c */

order_step order_pass; /* asks if order->ask is set. ERR_STOPPED */
/* Reads only the files of these IDs and returns those that selector means. NULL: the order's, and
 * the index is told. */
int order_read_files(struct run *run, const struct selector *selector, const struct queue_id *ids,
    size_t count, struct caught *ret, struct err *err) NODISCARD;
/* Waits until the daemon has recorded or refused the messages that are at their end: judged before
 * a new rule came into force, they are in the index for the next pass. Slow DATA meets the rule. */
void order_settle_mail(struct run *run);
