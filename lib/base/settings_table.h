/* SPDX-License-Identifier: ISC */
/* Private to settings.c: the table of keys, and the text before libconfuse sees it. */
#pragma once

#include "base/settings.h"

#define SETTINGS_ROWS 29

/* The row of a key, or SETTINGS_ROWS. */
size_t settings_find(const char *key);
const char *settings_key(size_t row);
/* The key nearest to a mistyped one, or NULL. */
const char *settings_nearest(const char *name);
/* Stores a value, checked; NULL: the default. ERR_CONFIG with the key in the text, or -ENOMEM. */
bool settings_is_list(size_t row);
/* Adds a value to a list. */
int settings_add(struct settings *s, size_t row, const char *value, struct err *err) NODISCARD;
int settings_set(struct settings *s, size_t row, const char *value, struct err *err) NODISCARD;
/* Checks what depends on this machine: room in the address space, and whether users and groups
 * exist (but the default ones, which the installation makes). */
int settings_check(const struct settings *s, size_t row, struct err *err) NODISCARD;

/* Refuses what libconfuse misreads: ${NAME} (it expands the environment), NUL bytes (it stops),
 * bytes that it skips, open strings and bad escapes (its scanner would stay inside the string for
 * the next file). ERR_SYNTAX with the line (from 1) and static words. Blanks comments, whose lines
 * libconfuse 3.3 counts twice; lengths and line ends stay. */
int settings_prepare(char *text, size_t len, unsigned *ret_line, const char **ret_what) NODISCARD;
