/* SPDX-License-Identifier: ISC */
/*
 * Turns among processes of root: lock files in order_directory, which nobody else can open. A turn
 * ends when its descriptor is closed. ERR_CONFIG where others can write the directory.
 */
#pragma once

#include "base/err.h"

/* One at a time. Waits at most patience microseconds. ERR_TIMEOUT, ERR_STOPPED by a signal, or
 * -errno, with words. */
int turn_take(
    const char *directory, const char *name, int64_t patience, int *ret, struct err *err) NODISCARD;

/* One of a user's places, so that nobody fills the door alone. ERR_LIMIT where all are taken. */
#define TURN_PLACES 4u
int turn_place(const char *directory, uid_t uid, int *ret, struct err *err) NODISCARD;
