/* SPDX-License-Identifier: ISC */
/* The directory of purge --save: whose it must be, and its making. */
#ifndef PQPURGE_PURGE_SAVE_DIR_H
#define PQPURGE_PURGE_SAVE_DIR_H

#include "base/role.h"

/*
 * Opens path, which is made (0700, owner's) where it does not exist, and given to owner where it is
 * the caller's and empty. ERR_CONFIG with words where it is not owner's or others can write to it:
 * what is saved is somebody's mail.
 */
int save_dir_open(
    const char *path, const struct role *owner, int *ret_fd, struct err *err) NODISCARD;

#endif
