/* SPDX-License-Identifier: ISC */
/* fleet/migrations/NNNN.sql, compiled in by the Makefile: migrations[0] is number 1. */
#pragma once

#include <stddef.h>

extern const char *const migrations[];
extern const size_t migrations_count;
