/* SPDX-License-Identifier: ISC */
/* The directory of purge --save. */
#pragma once

#include "base/role.h"

/* Opens path. Creates it (0700) for owner if it is missing; gives an empty directory of the
 * caller's to owner. ERR_CONFIG if it is not owner's or others can write to it: saved mail is
 * private. */
int save_dir_open(
    const char *path, const struct role *owner, int *ret_fd, struct err *err) NODISCARD;
