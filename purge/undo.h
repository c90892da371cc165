/* SPDX-License-Identifier: ISC */
/*
 * What a hold batch still holds, as an outcome that the walk goes on with: messages by the account,
 * with the arrival time that was written down as their identity, whatever became of their rows.
 */
#ifndef PQPURGE_PURGE_UNDO_H
#define PQPURGE_PURGE_UNDO_H

#include "purge/session.h"

/*
 * Fills a zeroed outcome from the batches that s's words name. ERR_USAGE for what is no number, no
 * batch, or no hold batch. What was released since, or is held by a later batch, is left out and
 * told on stderr; what the batches' account lacks is the outcome's trouble.
 */
int undo_select(const struct session *s, struct outcome *ret, struct err *err) NODISCARD;

#endif
