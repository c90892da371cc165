/* SPDX-License-Identifier: ISC */
/* What a scan adds to reports: mail that was read from queue files, and bounces among it. */
#ifndef PQPURGE_PURGE_SCAN_WORDS_H
#define PQPURGE_PURGE_SCAN_WORDS_H

#include "base/json.h"
#include "order/order.h"

/* How many of what is ready or done came from a scan, and how many are bounces; nothing where none
 * are. */
void scan_words_text(FILE *to, const struct tally *t);
/* "origin", "user" and "bounce" of an item that a scan found; nothing for others. */
void scan_words_put(struct json *o, const struct item *item);

#endif
