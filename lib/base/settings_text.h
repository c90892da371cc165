/* SPDX-License-Identifier: ISC */
/*
 * The text of a settings file before libconfuse sees it. Private to settings.c.
 *
 * libconfuse replaces ${NAME} by the environment with no way to turn that off, cuts at a NUL, skips
 * bytes that it has no use for, and its scanner stays inside a string that does not end or holds a
 * bad escape: the next file would be read wrongly. All of that is refused here, with its line.
 * Comments are blanked, since libconfuse 3.3 counts their lines several times and its complaints
 * would name the wrong ones.
 */
#ifndef PQPURGE_BASE_SETTINGS_TEXT_H
#define PQPURGE_BASE_SETTINGS_TEXT_H

#include "base/str.h"

/*
 * 0, or ERR_SYNTAX with the line (from 1) and what is wrong (static). Lengths and line ends do not
 * change.
 */
int settings_text_prepare(
    char *text, size_t len, unsigned *ret_line, const char **ret_what) NODISCARD;

#endif
