/* SPDX-License-Identifier: ISC */
/* What the steps of the walk share. Private to lib/order. */
#ifndef PQPURGE_ORDER_INSIDE_H
#define PQPURGE_ORDER_INSIDE_H

#include "order/catchup.h"
#include "order/facts.h"
#include "order/holds.h"
#include "order/order.h"
#include "order/writer.h"

/*
 * Microseconds that a proof may wait for us until postsuper gets it. It waits longer where we were
 * stopped (^Z), or wrote to a terminal that took nothing (^S): then it is made anew.
 */
#define ORDER_PROOF_AGE INT64_C(1000000)

/* One order on its way. */
struct run {
	struct order *order;
	struct outcome *outcome;
	const struct action_row *row;
	struct postfix looking; /* the instance; what looks there ends on order->stop */
	struct index_client index;
	struct writer *writer; /* of the account; NULL until the first message is to be touched */
	struct facts facts;
	uint64_t done_before;         /* by a killed command whose batch this one goes on with */
	struct account_entries doubt; /* that it had handed to postsuper; not settled yet */
	struct queue_place place;     /* of the queue directory, after a catch-up */
	bool indexed;                 /* the index answers */
	bool distrusted;              /* it has damaged rows: all files are read */
	bool unaccounted;             /* it could not be written, and nothing more is */
	bool touched;                 /* a postsuper was started */
	bool asked;                   /* somebody has seen what is to be done, and said yes */
	bool certain;  /* names that are missing have left: it is the directory that is known */
	int64_t began; /* wall; of this pass */
};

static inline bool order_stopped(const struct order *order)
{
	return order->stop && *order->stop;
}
static inline void order_show(const struct order *order, const char *doing, size_t done, size_t of)
{
	if (order->progress)
		order->progress(order->progress_arg, doing, done, of);
}

/* What a pass is made of. A step that finds nothing to do does nothing. */
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

/* The memory, made where there is none; NULL: none to be had. */
struct outcome_memory *order_memory(struct outcome *outcome);
/* The item failed; words are copied. */
void order_fail(struct outcome *outcome, struct item *item, const char *words);
/* It failed as a proof in PROOF_ERROR says. */
void order_fail_look(struct outcome *outcome, struct item *item, const struct proof *proof);
/* The first trouble is kept, later ones are added behind "; ", each once. */
void order_trouble(struct outcome *outcome, const struct err *err);
/* What was not got to keeps the result of the pass before, or is RESULT_UNTOUCHED. */
void order_leave(struct outcome *outcome);
/* Counts all results anew. */
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

/* Positions of some items. */
struct chosen {
	size_t *at;
	size_t count;
};
/* Those with one of these results, and that `is` (may be NULL) says yes to. *ret is to be released
 * in any case. */
int order_choose(const struct outcome *outcome, unsigned results,
    bool (*is)(const struct item *item), struct chosen *ret, struct err *err) NODISCARD;
/* Their queue IDs: *ret is malloc'd. */
int chosen_ids(const struct chosen *c, const struct outcome *outcome, struct queue_id **ret,
    struct err *err) NODISCARD;
void chosen_release(struct chosen *c);

/* ---- items.c */

/* Selects in the index: open items. An index that does not answer is no failure. */
order_step order_select;
/* IDs of --id that no item is about, and that lie in no queue, become items. */
order_step order_add_unheard;
/*
 * Takes candidates over, whatever comes of it. Each queue ID has one item in a pass: a later
 * candidate replaces one that nothing was decided of, or one that was not proven.
 */
int order_take(struct run *run, struct candidates *candidates, struct err *err) NODISCARD;
/* A new pass: what comes now may be what an item was. */
void order_renew(struct outcome *outcome);
/* The item of that ID, or NULL. */
struct item *order_find(struct outcome *outcome, const struct queue_id *id);
/* When the message arrived: as its file says, else as its row does. */
int64_t order_arrival(const struct item *item);
/* Items in order of arrival. Positions change. */
void order_sort(struct outcome *outcome);
/* The same as order_choose, the oldest first. */
int order_choose_oldest(
    struct outcome *outcome, unsigned results, struct chosen *ret, struct err *err) NODISCARD;
/* The notice goes to a sender that the patterns mean, and to nobody else. */
bool order_notice_is_meant(const struct selector *s, const struct message *m);

/* ---- prove.c */

/* Proves all that is open. */
order_step order_prove;
/* Of what is ready only the oldest order->limit stay. */
order_step order_apply_limit;
/* Looks at the items at these positions, in children: *ret is malloc'd, one proof for each. */
int order_look(
    struct run *run, const size_t *at, size_t count, struct proof **ret, struct err *err) NODISCARD;
/* The same in two steps. departed as for spool_prove_start. */
int order_look_start(struct run *run, const struct postfix *p, const size_t *at, size_t count,
    size_t departed, struct spool_proving **ret, struct err *err) NODISCARD;
int order_look_finish(struct run *run, struct spool_proving *look, const size_t *at, size_t count,
    struct proof **ret, struct err *err) NODISCARD;
/* Gives item the result that proof means before anything was done, and keeps proof in it. */
void order_judge(struct run *run, struct item *item, const struct proof *proof);

/* What became of an item that was handed to postsuper: it has its result, is worth another try, or
 * is still arriving. */
enum settled { SETTLED, SETTLE_AGAIN, SETTLE_WAIT };
/* said = postsuper said that it did it; after = a look since then; last = there will be no other
 * try; complaint = its last warning or "". */
enum settled order_settle(const struct action_row *row, struct outcome *outcome, struct item *item,
    const struct proof *after, bool said, bool last, const char *complaint);

/* ---- resolve.c, unsure.c */

/* What is not what its row says: where the file itself matches it is open again, with the file as
 * its candidate; what was gone and is there after all likewise. */
order_step order_resolve;
/* Tells the index what has left. */
void order_drop(struct run *run);
/* Items whose recipients the index does not know all are decided by their queue files: open and
 * meant, or RESULT_EXCLUDED. What could not be read is told. */
order_step order_decide_unsure;

/* ---- act.c, save.c */

/* Proves, saves where order->save says so, and acts on all that is open or ready. */
order_step order_act;
/*
 * Saves all that is ready, before anything is deleted. A message that cannot be saved fails. Where
 * the directory can take no more (a full disk, a quota) all do, so nothing is deleted. Errors: only
 * where no child could be started.
 */
order_step order_save;

/* ---- release.c */

/* Leaves what others hold, and what would bounce at once. */
order_step order_leave_foreign, order_leave_overdue;
/* Items for what order->undo's batches still hold. ERR_USAGE where one is no hold batch. */
order_step order_select_undo;
/* "5d", "36h", "5" (days), as main.cf writes it. ERR_SYNTAX. */
int order_parse_lifetime(const char *text, int64_t *ret_usec) NODISCARD;

/* ---- accounting.c */

/* Before the first message is touched; a batch that is begun already is enough. */
order_step order_account_begin;
/* The account cannot be written: what is done from here on is not in it, and that is told. */
void order_account_lose(struct run *run, int code, const struct err *why);
/* What came of it; outcome->accounted says whether that is on disk. */
void order_account_end(struct run *run);

/* ---- pass.c */

/* One pass, with the question where somebody is to be asked. ERR_STOPPED where it was cut short. */
order_step order_pass;
/* The files of these IDs alone: what they say, where selector means it (NULL: the order's, and the
 * index is told). */
int order_read_files(struct run *run, const struct selector *selector, const struct queue_id *ids,
    size_t count, struct caught *ret, struct err *err) NODISCARD;
/*
 * Waits until the daemon has recorded, or given up, what was at its end of message: judged before a
 * rule came into force, it is in the index for the pass that comes now. A slow DATA is not waited
 * for; it meets the rule at its end.
 */
void order_settle_mail(struct run *run);

#endif
