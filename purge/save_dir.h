/* SPDX-License-Identifier: ISC */
#pragma once

#include "base/role.h"

/* Opens the directory of purge --save. Makes it (0700) for owner if it is missing, and gives owner
 * an empty one of the caller's. Saved mail is private, so ERR_CONFIG if the directory is not
 * owner's or others can write to it. */
int save_dir_open(
    const char *path, const struct role *owner, int *ret_fd, struct err *err) NODISCARD;
