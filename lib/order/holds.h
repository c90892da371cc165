/* SPDX-License-Identifier: ISC */
/*
 * What our hold batches hold, by the account: messages that they put into the hold queue, and that
 * no batch took out since. Includes those in doubt (the command was killed), which may not lie in
 * hold. Private to lib/order.
 */
#pragma once

#include "order/ledger.h"
#include "order/order.h"

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
