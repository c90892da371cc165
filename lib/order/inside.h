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

/* Positions of some items. */
struct chosen {
	size_t *at;
	size_t count;
};
/* Those that `is` says yes to. *ret is to be released in any case. */
int order_choose(const struct outcome *outcome, bool (*is)(const struct item *item),
    struct chosen *ret, struct err *err) NODISCARD;
/* Their queue IDs: *ret is malloc'd. */
int chosen_ids(const struct chosen *c, const struct outcome *outcome, struct queue_id **ret,
    struct err *err) NODISCARD;
void chosen_release(struct chosen *c);
bool order_is_open(const struct item *item); /* RESULT_NONE */

/* ---- items.c */

/* Selects in the index: an item, RESULT_NONE, for each message that is meant. An index that does
 * not answer is no failure; ERR_STOPPED is. */
int order_select(struct run *run, struct err *err) NODISCARD;
/*
 * Takes candidates over, whatever comes of it. Each queue ID has one item in a pass: a later
 * candidate replaces one that nothing was decided of, or one that was not proven.
 */
int order_take(struct run *run, struct candidates *candidates, struct err *err) NODISCARD;
/* A new pass: what comes now may be what an item was. */
void order_renew(struct outcome *outcome);
/* The same as order_choose, the oldest first. */
int order_choose_oldest(struct outcome *outcome, bool (*is)(const struct item *item),
    struct chosen *ret, struct err *err) NODISCARD;
/* Items in order of arrival. Positions change. */
void order_sort(struct outcome *outcome);
/* The item of that ID, or NULL. */
struct item *order_find(struct outcome *outcome, const struct queue_id *id);
/* When the message arrived: as its file says, else as its row does. */
int64_t order_arrival(const struct item *item);
/* IDs of --id that no item is about, and that lie in no queue, become items. */
int order_add_unheard(struct run *run, struct err *err) NODISCARD;
/* The notice goes to a sender that the patterns mean, and to nobody else. */
bool order_notice_is_meant(const struct selector *s, const struct message *m);

/* ---- prove.c */

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
/* Proves all that is RESULT_NONE. */
int order_prove(struct run *run, struct err *err) NODISCARD;
/* Of what is ready only the oldest order->limit stay. */
int order_apply_limit(struct run *run, struct err *err) NODISCARD;

/* ---- unsure.c */

/*
 * Decides by their queue files the items whose recipients the index does not know all. Each is
 * RESULT_NONE and meant from here on, or RESULT_EXCLUDED. What could not be read is told.
 */
int order_decide_unsure(struct run *run, struct err *err) NODISCARD;
/* ---- resolve.c */

/*
 * What is not what its row says: where the file itself matches it becomes RESULT_NONE again, with
 * the file as its candidate; what was gone and is there after all likewise.
 */
int order_resolve(struct run *run, struct err *err) NODISCARD;
/* Tells the index what has left. */
void order_drop(struct run *run);

/* ---- act.c, release.c */

/* Proves, saves where order->save says so, and acts on all that is RESULT_NONE or RESULT_READY. */
int order_act(struct run *run, struct err *err) NODISCARD;

/* What became of an item that was handed to postsuper. */
enum settled { SETTLED, SETTLE_AGAIN, SETTLE_WAIT };
/*
 * said = postsuper said that it did it; after = a look since then; last = there will be no other
 * try; complaint = its last warning or "". SETTLED: the item has its result. SETTLE_AGAIN: worth
 * another try. SETTLE_WAIT: still arriving.
 */
enum settled order_settle(const struct action_row *row, struct outcome *outcome, struct item *item,
    const struct proof *after, bool said, bool last, const char *complaint);

/*
 * save.c: saves every item that is RESULT_READY, after all were proven and before anything is
 * deleted. A message that cannot be saved becomes RESULT_FAILED. Where the directory can take no
 * more (a full disk, a quota) all items do, so nothing is deleted. Errors: only where no child
 * could be started.
 */
int order_save(struct run *run, struct err *err) NODISCARD;

/* Leaves what others hold, and what would bounce at once. */
int order_leave_foreign(struct run *run, struct err *err) NODISCARD;
int order_leave_overdue(struct run *run, struct err *err) NODISCARD;
/* "5d", "36h", "5" (days), as main.cf writes it. ERR_SYNTAX. */
int order_parse_lifetime(const char *text, int64_t *ret_usec) NODISCARD;

/* ---- accounting.c */

/* Before the first message is touched; a batch that is begun already is enough. */
int order_account_begin(struct run *run, struct err *err) NODISCARD;
/* The account cannot be written: what is done from here on is not in it, and that is told. */
void order_account_lose(struct run *run, int code, const struct err *why);
/* What came of it; outcome->accounted says whether that is on disk. */
void order_account_end(struct run *run);

/* ---- pass.c */

/* One pass, with the question where somebody is to be asked. ERR_STOPPED where it was cut short. */
int order_pass(struct run *run, struct err *err) NODISCARD;
/*
 * Waits until the daemon has recorded, or given up, all that was at its end of message: what was
 * judged before a rule came into force, and is not in the index yet, is seen by the pass that comes
 * now. A slow DATA is not waited for; it meets the rule at its end.
 */
void order_settle_mail(struct run *run);

/* ---- undo.c */

/* Items for what order->undo's batches still hold. ERR_USAGE where one is no hold batch. */
int order_select_undo(struct run *run, struct err *err) NODISCARD;

#endif
