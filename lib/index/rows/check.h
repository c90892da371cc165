/* SPDX-License-Identifier: ISC */
#pragma once

#include "index/store/store.h"

/* Checks that the tables agree: each record is whole, a search finds its inode row and its author
 * rows, and each inode row has a record. Some 2 us for each row. Returns ERR_DAMAGED or an error of
 * the store. */
int rows_check(struct store *store, struct err *err) NODISCARD;
