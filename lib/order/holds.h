/* SPDX-License-Identifier: ISC */
/*
 * What our hold batches hold, by the account: messages that they put into the hold queue, and that
 * nothing of ours took out since. Those in doubt (the command was killed) are among them: whether
 * such a message lies in hold, its file says. Private to lib/order.
 */
#ifndef PQPURGE_ORDER_HOLDS_H
#define PQPURGE_ORDER_HOLDS_H

#include "order/ledger.h"
#include "order/order.h"

/* Messages of order->undo's batches that are not theirs any more. */
struct holds_lost {
	uint64_t released, held_again;
	uint64_t batch; /* that did it to one of them */
};
/* What order->undo's batches still hold, or all of them, sorted. ERR_USAGE with words where one of
 * order->undo is no hold batch. */
int holds_read(const struct order *order, struct account_entries *ret, struct holds_lost *ret_lost,
    struct err *err) NODISCARD;
bool holds_contain(const struct account_entries *holds, const struct account_entry *message);

/*
 * Where these messages lie now: *ret is malloc'd, the bit of the queue for each, 0 where a file of
 * that ID and arrival is in none.
 */
int holds_look(const struct postfix *p, const struct account_entries *messages, uint8_t **ret,
    struct err *err) NODISCARD;

/* As candidates, of which nothing but ID and arrival is known. -ENOMEM. */
int holds_candidates(
    const struct account_entry *list, size_t count, struct candidates *ret) NODISCARD;

#endif
