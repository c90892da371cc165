/* SPDX-License-Identifier: ISC */
/* The form of a Subject that --subject is compared with: the value of the field
 *
 * - with encoded words (RFC 2047) decoded wherever they stand, as mail readers do. Blanks between
 *   two of them go. A word in a charset that the table of subject.c lacks stays as written.
 * - in UTF-8. A byte that is not UTF-8 is '?', also outside of words.
 * - with one blank for each run of line ends, blanks (also Unicode's) and control characters, and
 *   none at its ends.
 * - without invisible characters: zero-width and direction marks, soft hyphens. */
#pragma once

#include "base/str.h"

#define SUBJECT_MAX 4096 /* bytes */

/* Appends the form to out. True if its end is missing: it exceeds SUBJECT_MAX, or memory or a
 * converter was lacking. */
bool subject_normal(const char *value, size_t len, struct strbuf *out) NODISCARD;
