/* SPDX-License-Identifier: ISC */
/* Mail past maximal_queue_lifetime: the queue manager bounces it as soon as it is released. */
#ifndef PQPURGE_PURGE_LIFETIME_H
#define PQPURGE_PURGE_LIFETIME_H

#include "order/order.h"

/* A time value of main.cf ("5d", "36h", "5": days); ERR_SYNTAX. Microseconds. */
int lifetime_parse(const char *text, int64_t *ret_usec) NODISCARD;
/* maximal_queue_lifetime of the instance. */
int lifetime_read(const struct postfix *p, int64_t *ret_usec, struct err *err) NODISCARD;
/* How many READY items are older than lifetime at wall; with refuse they become RESULT_FAILED and
 * say why. */
uint64_t lifetime_over(struct outcome *outcome, int64_t lifetime, int64_t wall, bool refuse);

#endif
