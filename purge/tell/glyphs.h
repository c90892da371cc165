/* SPDX-License-Identifier: ISC */
/* Bars and curves of characters, with and without UTF-8. */
#pragma once

#include "base/base.h"

#define GLYPHS_SIZE  64
#define GLYPHS_WIDTH 8  /* columns of a bar */
#define GLYPHS_MOST  16 /* most numbers in a curve */

/* A share from 0 to 1; anything above 0 is visible. Returns buf. */
const char *glyphs_bar(bool utf8, double share, char buf[GLYPHS_SIZE]);
/* One character for each number, relative to the largest. Returns buf. */
const char *glyphs_curve(bool utf8, const uint64_t *numbers, size_t count, char buf[GLYPHS_SIZE]);
