/* SPDX-License-Identifier: ISC */
/*
 * The form of a Subject that --subject is compared with: the value of the field,
 * - with encoded words (RFC 2047) decoded, wherever they stand, as mail readers do; blanks between
 *   two of them go. A word in a charset that is not in the table of subject.c stays as written.
 * - in UTF-8; a byte that is none is '?', outside of words, too.
 * - with one blank for each run of line ends, blanks (Unicode's, too) and control characters, and
 *   none at its ends.
 * - without what is not shown: zero-width and direction marks, soft hyphens.
 */
#pragma once

#include "base/str.h"

#define SUBJECT_MAX 4096 /* bytes */

/* Appends it to out. True: its end is missing, for it is longer than SUBJECT_MAX, or what decodes
 * it (memory, a converter) was lacking. */
bool subject_normal(const char *value, size_t len, struct strbuf *out) NODISCARD;
