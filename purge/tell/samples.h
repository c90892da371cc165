/* SPDX-License-Identifier: ISC */
/* A few messages shown before a question: who they claim to be from, to whom, about what. */
#ifndef PQPURGE_PURGE_SAMPLES_H
#define PQPURGE_PURGE_SAMPLES_H

#include "order/order.h"

#define SAMPLES_MAX 3

/*
 * Shows count messages (at most SAMPLES_MAX) on to. Subjects that were not recorded are read from
 * the queue files, in a child that is mail_owner; p may be NULL, then they are left out.
 */
void samples_put(FILE *to, const struct postfix *p, const struct item *const *items, size_t count);

#endif
