/* SPDX-License-Identifier: ISC */
/* What is about to be done, shown before the question and on a dry run. */
#ifndef PQPURGE_PURGE_PREVIEW_H
#define PQPURGE_PURGE_PREVIEW_H

#include "order/order.h"

/*
 * How many messages and bytes, by envelope or header From only, per queue, the oldest and newest,
 * how many have other recipients (recipients_asked), and three samples. outcome is proven; its
 * READY items are meant. p: where the samples' subjects are read; NULL: only recorded ones.
 */
void preview_text(FILE *to, enum action action, bool recipients_asked,
    const struct outcome *outcome, const struct postfix *p);

#endif
