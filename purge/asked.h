/* SPDX-License-Identifier: ISC */
/* The IDs that --id asked for and that the index does not know. */
#ifndef PQPURGE_PURGE_ASKED_H
#define PQPURGE_PURGE_ASKED_H

#include "purge/session.h"
#include "purge/tell/report.h"

/* *ret is a malloc'd array of those that are gone, and of those whose queue files the selection
 * means, or may mean where they could not be read. Nothing where no --id was given. */
int asked_strangers(
    const struct session *s, struct stranger **ret, size_t *ret_count, struct err *err) NODISCARD;
/*
 * Keeps those that no item of outcome is about (a scan may have found them); returns how many.
 */
size_t asked_not_found(const struct outcome *outcome, struct stranger *strangers, size_t count);

#endif
