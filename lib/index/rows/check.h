/* SPDX-License-Identifier: ISC */
#pragma once

#include "index/store/store.h"

/* Whether the tables agree: each record is whole, and its inode row and author rows are found as
 * selections and names look for them; no inode row is without its record. Some 2 us a row. 0,
 * ERR_DAMAGED or the store's errors. */
int rows_check(struct store *store, struct err *err) NODISCARD;
