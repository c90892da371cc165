/* SPDX-License-Identifier: ISC */
/* One at a time among processes of root: a lock file in order_directory that nobody else can open.
 */
#pragma once

#include "base/err.h"

/* Waits at most patience microseconds. *ret is a descriptor; the turn ends when it is closed.
 * ERR_TIMEOUT, or -errno with words. */
int turn_take(
    const char *directory, const char *name, int64_t patience, int *ret, struct err *err) NODISCARD;
