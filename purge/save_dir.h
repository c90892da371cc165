/* SPDX-License-Identifier: ISC */
/* The directory of purge --save. */
#pragma once

#include "base/role.h"

/* Opens path, created (0700) for owner if missing; an empty directory of the caller's is given to
 * owner. ERR_CONFIG if it is not owner's or others can write to it: what is saved is somebody's
 * mail. */
int save_dir_open(
    const char *path, const struct role *owner, int *ret_fd, struct err *err) NODISCARD;
