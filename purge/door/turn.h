/* SPDX-License-Identifier: ISC */
/* Root's processes take turns by lock files in order_directory, which only root can open. A turn
 * ends when its descriptor is closed. ERR_CONFIG: others can write the directory. */
#pragma once

#include "base/err.h"

/* Waits at most patience microseconds for the turn `name`. *ret is the descriptor. ERR_TIMEOUT,
 * ERR_STOPPED (a signal), or -errno, with words; err may be NULL. */
int turn_take(
    const char *directory, const char *name, int64_t patience, int *ret, struct err *err) NODISCARD;

/* One of the user's places, at most TURN_PLACES_MAX, so that no user occupies the whole door.
 * ERR_LIMIT: all are taken. */
#define TURN_PLACES_MAX 8u
int turn_place(
    const char *directory, uid_t uid, unsigned places, int *ret, struct err *err) NODISCARD;
