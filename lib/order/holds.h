/* SPDX-License-Identifier: ISC */
/*
 * What our hold batches hold, by the account: messages that they put into the hold queue, and that
 * nothing of ours took out since. Those in doubt (the command was killed) are among them: whether
 * such a message lies in hold, its file says. Private to lib/order.
 */
#ifndef PQPURGE_ORDER_HOLDS_H
#define PQPURGE_ORDER_HOLDS_H

#include "order/account_write.h"

/* All of them, sorted. */
int holds_read(const struct settings *s, const volatile sig_atomic_t *stop,
    struct account_entries *ret, struct err *err) NODISCARD;
bool holds_contain(const struct account_entries *holds, const struct account_entry *message);

/* Messages of some batches that are not theirs any more. */
struct holds_lost {
	uint64_t released, held_again;
	uint64_t batch; /* that did it to one of them */
};
/* What order->undo's batches still hold, sorted. ERR_USAGE with words where one of them is no hold
 * batch. */
int holds_of(const struct order *order, struct account_entries *ret, struct holds_lost *ret_lost,
    struct err *err) NODISCARD;

/*
 * Where these messages lie now: *ret is malloc'd, the bit of the queue for each, 0 where a file of
 * that ID and arrival is in none.
 */
int holds_look(const struct postfix *p, const struct account_entries *messages, uint8_t **ret,
    struct err *err) NODISCARD;

#endif
