/* SPDX-License-Identifier: ISC */
/* Bars and curves of characters, with and without UTF-8. */
#pragma once

#include "base/base.h"

#define GLYPHS_SIZE  64
#define GLYPHS_WIDTH 8  /* of a bar, in columns */
#define GLYPHS_MOST  16 /* numbers of a curve */

/* A share from 0 to 1; anything over 0 shows. Returns buf. */
const char *glyphs_bar(bool utf8, double share, char buf[GLYPHS_SIZE]);
/* One character a number, relative to the greatest. Returns buf. */
const char *glyphs_curve(bool utf8, const uint64_t *numbers, size_t count, char buf[GLYPHS_SIZE]);
