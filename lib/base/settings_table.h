/* SPDX-License-Identifier: ISC */
/* Private to settings.c: the keys of a settings file, and its text before libconfuse sees it. */
#ifndef PQPURGE_BASE_SETTINGS_TABLE_H
#define PQPURGE_BASE_SETTINGS_TABLE_H

#include "base/settings.h"

#define SETTINGS_ROWS 24

/* The row of a key; SETTINGS_ROWS where there is none. */
size_t settings_find(const char *key);
const char *settings_key(size_t row);
/* The key that is nearest to a mistyped one; NULL where none is near. */
const char *settings_nearest(const char *name);
/* Stores a value, checked; NULL: the default. ERR_CONFIG with the key in the text, or -ENOMEM. */
bool settings_is_list(size_t row);
/* Adds a value to a list. */
int settings_add(struct settings *s, size_t row, const char *value, struct err *err) NODISCARD;
int settings_set(struct settings *s, size_t row, const char *value, struct err *err) NODISCARD;
/*
 * What no value says by itself: whether the address space has room for it, whether there is such a
 * user or group. The default accounts are not looked for: the installation makes them.
 */
int settings_check(const struct settings *s, size_t row, struct err *err) NODISCARD;

/*
 * libconfuse replaces ${NAME} by the environment with no way to turn that off, cuts at a NUL, skips
 * bytes that it has no use for, and its scanner stays inside a string that does not end or holds a
 * bad escape: the next file would be read wrongly. All of that is refused here: ERR_SYNTAX with the
 * line (from 1) and what is wrong (static). Comments are blanked, since libconfuse 3.3 counts their
 * lines several times. Lengths and line ends do not change.
 */
int settings_prepare(char *text, size_t len, unsigned *ret_line, const char **ret_what) NODISCARD;

#endif
