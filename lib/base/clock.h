/* SPDX-License-Identifier: ISC */
/* Time: microseconds in int64_t. Wall time counts from the epoch, steady time from anywhere. */
#pragma once

#include "base/base.h"

#define USEC_PER_SEC INT64_C(1000000)

int64_t clock_wall(void);   /* CLOCK_REALTIME; what queue files carry */
int64_t clock_steady(void); /* CLOCK_MONOTONIC; for waits */
/* For tests alone: other clocks. NULL restores the real one. */
void clock_inject(int64_t (*wall)(void), int64_t (*steady)(void));

/* Local time, "2026-11-23 17:40:17". Always terminated; returns buf. */
#define CLOCK_TEXT_SIZE 32
char *clock_text(int64_t wall, char *buf, size_t size);
/* "4s", "12m", "3h", "2d": the largest unit that fits; "0s" below a second. Returns buf. */
char *clock_span_text(int64_t usec, char *buf, size_t size);
/* Reads digits and an optional unit of `ms s m h d w` (default s), at most 100 years. ERR_SYNTAX
 * otherwise. */
int clock_parse_span(const char *text, int64_t *ret_usec) NODISCARD;
