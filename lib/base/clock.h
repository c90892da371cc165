/* SPDX-License-Identifier: ISC */
/* Times are int64_t microseconds: wall clock since the epoch, steady clock since an arbitrary
 * moment. */
#pragma once

#include "base/base.h"

#define USEC_PER_SEC INT64_C(1000000)

int64_t clock_wall(void);   /* CLOCK_REALTIME, as in queue files */
int64_t clock_steady(void); /* CLOCK_MONOTONIC, for waits */
/* For tests. NULL restores the real clock. */
void clock_inject(int64_t (*wall)(void), int64_t (*steady)(void));

/* Writes local time, "2026-11-23 17:40:17", always terminated. Returns buf. */
#define CLOCK_TEXT_SIZE 32
char *clock_text(int64_t wall, char *buf, size_t size);
/* Writes "4s", "12m", "3h", "2d", in the largest unit that is not zero, or "0s". Returns buf. */
char *clock_span_text(int64_t usec, char *buf, size_t size);
/* Parses digits with an optional unit `ms s m h d w` (none: s), at most 100 years, or
 * ERR_SYNTAX. */
int clock_parse_span(const char *text, int64_t *ret_usec) NODISCARD;
