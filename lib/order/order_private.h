/* SPDX-License-Identifier: ISC */
/* Private to lib/order: shared by the steps of the walk. */
#pragma once

#include "base/array.h"
#include "base/labels.h"
#include "order/account/recall.h"
#include "order/account/writer.h"
#include "order/catchup/catchup.h"
#include "order/order.h"

/* account/facts.c: for reports about mail that is gone: how many messages arrived when, which
 * senders, recipients, logins and clients they had, and why they waited. Bounded. */

#define FACTS_KEYS    4096 /* different texts that are counted */
#define FACTS_TOLD    50   /* the most frequent ones are written */
#define FACTS_MINUTES 1440 /* the latest minutes of arrival are written */
#define FACTS_REASONS 1000 /* messages whose reasons are read */

struct fact_table {
	struct labels names; /* with a count each */
	uint64_t others;     /* messages with other texts, when the table was full */
};
struct facts {
	bool login_exact;
	struct fact_table tables[FACT_TABLES];
};
void facts_release(struct facts *facts);

/* Reads, in a child, why some open and ready items wait. Failures are ignored. */
void facts_read_reasons(
    struct facts *facts, const struct postfix *p, const struct outcome *outcome);
/* The account's line about items that are RESULT_DONE, once, at the end. */
int facts_line(struct facts *facts, const struct outcome *outcome, uint64_t batch,
    struct strbuf *ret) NODISCARD;

/* holds.c: what our hold batches hold, by the account: the messages that they put into the hold
 * queue, and that no batch took out since. Includes those in doubt (the command was killed), which
 * may not be in hold. */

/* What order->undo's batches no longer hold. */
struct holds_lost {
	uint64_t released, held_again;
	uint64_t batch; /* one that released or held them */
	/* Of the messages still held: given to postsuper by a command that was killed. */
	uint64_t doubt;
};
/* What order->undo's batches, or if there are none, all batches still hold; sorted. ERR_USAGE with
 * words if one of order->undo is not a hold batch. */
int holds_read(const struct order *order, struct account_entries *ret, struct holds_lost *ret_lost,
    struct err *err) NODISCARD;
bool holds_contain(const struct account_entries *holds, const struct account_entry *message);

/* Moves those messages in doubt to done (may have some) that lie in one of the queues of `where`
 * (bits; HOLDS_NOWHERE: no queue has a file with that ID and arrival). On failure nothing moves. */
#define HOLDS_NOWHERE (1u << QUEUE_COUNT)
int holds_settle(const struct postfix *p, struct account_entries *doubt, unsigned where,
    struct account_entries *done, struct err *err) NODISCARD;

/* Candidates of which only ID and arrival are known. */
int holds_candidates(
    const struct account_entry *list, size_t count, struct candidates *ret) NODISCARD;

/* Microseconds between the first proof of a look and its postsuper. An older look, as after ^Z or
 * ^S, is made again. After ORDER_PROOF_AGAIN such looks in a row, age counts from the end of the
 * look, because files that are not cached may take longer. */
#define ORDER_PROOF_AGAIN 3
#define ORDER_PROOF_AGE   INT64_C(1000000)

/* One order while it runs. */
struct run {
	struct order *order;
	struct outcome *outcome;
	const struct action_row *row;
	struct postfix looking; /* looks end when order->stop is set */
	struct index_client index;
	struct writer *writer; /* NULL until a message is to be touched */
	struct facts facts;
	uint64_t done_before; /* by the killed command whose batch we adopted */
	/* What that command gave to postsuper, with an unknown result. */
	struct account_entries doubt;
	struct queue_place place; /* known after a catch-up */
	uint64_t left_to_index;   /* by the last catch-up */
	uint64_t selected;        /* index_changes before the last selection; 0 unknown */
	bool unchanged;           /* the last catch-up found the index unchanged */
	bool indexed;             /* the index answers */
	bool distrusted;          /* the index has damaged rows, so all files are read */
	bool unaccounted;         /* the account could not be written, and has ended */
	bool touched;             /* a postsuper was started */
	bool approved;            /* the user saw the preview and said yes */
	bool certain;             /* an ID that was not found has left (sync_counts) */
	int64_t began;            /* this pass, wall clock */
};

static inline bool order_stopped(const struct order *order)
{
	return (order->stop && *order->stop) ||
	       (order->taken_back && order->taken_back(order->taken_back_arg));
}
/* The one queue whose files the order is about, if that is hold; otherwise 0. Another queue may
 * have a copy. */
static inline enum queue_name order_queue(const struct run *run)
{
	bool holds = run->row->only_ours || run->order->selector->queues == QUEUE_HOLD;

	return holds ? QUEUE_HOLD : 0;
}
static inline void order_show(const struct order *order, const char *doing, size_t done, size_t of)
{
	if (order->progress)
		order->progress(order->progress_arg, doing, done, of);
}

typedef int order_step(struct run *run, struct err *err);

/* outcome.c */

void order_fail(struct outcome *outcome, struct item *item, const char *words); /* copies words */
/* Fails the item with the error of a PROOF_ERROR. */
void order_fail_look(struct outcome *outcome, struct item *item, const struct proof *proof);
/* Adds to outcome->trouble, the same words only once. */
void order_trouble(struct outcome *outcome, const struct err *err);
/* Gives open and ready items the result of the previous pass, or RESULT_UNTOUCHED. */
void order_leave(struct outcome *outcome);
void order_tally(struct outcome *outcome);

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

/* Positions in items. */
struct chosen {
	size_t *at;
	size_t count;
	struct queue_id *ids; /* set by chosen_ids */
};
/* Items with one of these results for which `is` (may be NULL) holds. Release *ret in any case. */
int order_choose(const struct outcome *outcome, unsigned results,
    bool (*is)(const struct item *item), struct chosen *ret, struct err *err) NODISCARD;
int chosen_ids(struct chosen *c, const struct outcome *outcome, struct err *err) NODISCARD;
void chosen_release(struct chosen *c);

/* items.c */

/* Makes items of rows that the index selects. If it does not answer, goes on without it. */
order_step order_select;
/* Makes items of the IDs of --id that have none and are in no queue. */
order_step order_add_unheard;
/* Takes over candidates in any case. A queue ID has one item in each pass: a later candidate
 * replaces one that is open or was not proven. */
int order_take(struct run *run, struct candidates *candidates, struct err *err) NODISCARD;
void order_renew(struct outcome *outcome); /* begins a pass: no item is fresh */
/* NULL if there is none. */
struct item *order_find(struct outcome *outcome, const struct queue_id *id);
int64_t order_arrival(const struct item *item); /* of its file if known, otherwise of its row */
void order_sort(struct outcome *outcome);       /* by arrival; positions change */
/* Like order_choose, the oldest first. */
int order_choose_oldest(
    struct outcome *outcome, unsigned results, struct chosen *ret, struct err *err) NODISCARD;
/* Whether all senders that the notice goes to match the patterns. */
bool order_notice_is_meant(const struct selector *s, const struct message *m);

/* prove.c */

order_step order_prove;       /* all open items */
order_step order_apply_limit; /* excludes all but the oldest */
/* *ret, from malloc, has a proof for each of these positions. */
int order_look(
    struct run *run, const size_t *at, size_t count, struct proof **ret, struct err *err) NODISCARD;
/* order_look in two steps, as spool_prove_start. */
int order_look_start(struct run *run, const struct postfix *p, const size_t *at, size_t count,
    size_t departed, struct spool_proving **ret, struct err *err) NODISCARD;
int order_look_finish(struct run *run, struct spool_proving *look, const size_t *at, size_t count,
    struct proof **ret, int64_t *ret_since, struct err *err) NODISCARD;
/* Before an action: keeps proof in the item and sets its result. */
void order_judge(struct run *run, struct item *item, const struct proof *found);

/* After postsuper: the item has its result; or is worth another try; or is still arriving. */
enum settled { SETTLED, SETTLE_AGAIN, SETTLE_WAIT };
/* said: postsuper reported it as done. after: a look since then. last: there is no other try.
 * complaint: postsuper's last warning, or "". */
enum settled order_settle(const struct action_row *row, struct outcome *outcome, struct item *item,
    const struct proof *after, bool said, bool last, const char *complaint);

/* resolve.c, unsure.c */

/* Opens items again: a changed or unproven one if the file itself matches, which becomes its
 * candidate; a gone one if it is there after all. */
order_step order_resolve;
/* Begins to tell the index which messages have left. What asks the index next awaits the end. */
void order_drop(struct run *run);
void order_await_drop(struct outcome *outcome);
/* Items of which the index does not know all recipients or authors: their queue files decide. An
 * item stays open, or becomes RESULT_EXCLUDED. Unreadable files are trouble. */
order_step order_decide_unsure;
/* Counts other_recipients of ready items by their files: a row may precede a delivery. */
order_step order_count_others;

/* act.c, save.c */

/* Proves, saves if order->save is set, and acts on all items that are open or ready. */
order_step order_act;
/* Saves all ready messages. A message that cannot be saved fails. If the directory can take no more
 * (full disk, quota), all fail, so nothing is deleted. Returns an error if no child could be
 * started. */
order_step order_save;

/* release.c */

/* Exclude messages that others hold; fail messages that would bounce at once. */
order_step order_leave_foreign, order_leave_overdue;
/* Makes items of what order->undo's batches still hold. ERR_USAGE: not a hold batch. */
order_step order_select_undo;

/* account/order_account.c */

order_step order_account_begin; /* before the first message is touched; again does nothing */
/* The account cannot be written: ends it, and reports trouble. */
void order_account_lose(struct run *run, int code, const struct err *why);
void order_account_end(struct run *run); /* sets outcome->accounted */

/* pass.c */

order_step order_pass; /* asks if order->ask is set; ERR_STOPPED */
/* Reads only the files of these IDs, and returns those that selector matches. selector NULL: that
 * of the order; then the index is told, too. */
int order_read_files(struct run *run, const struct selector *selector, const struct queue_id *ids,
    size_t count, struct caught *ret, struct err *err) NODISCARD;
/* Waits until the daemon has recorded or refused the messages that are at their end. What was
 * judged before a new rule came into force is then in the index for the next pass. A slow DATA
 * meets the new rule. */
void order_settle_mail(struct run *run);
