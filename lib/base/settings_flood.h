/* SPDX-License-Identifier: ISC */
/* The `flood KIND { }` sections of the settings file, value by value. Private to settings.c. */
#pragma once

#include "base/settings.h"

/* The section of a kind, or NULL. */
struct settings_flood *settings_flood_find(struct settings *s, const char *kind);
void settings_flood_init(struct settings *s); /* nothing is given */

/* "KIND:KEY", as flood_exempt has it. ERR_CONFIG. */
int settings_flood_check_exempt(const char *value, struct err *err) NODISCARD;

#define SETTINGS_FLOOD_KEYS 10
size_t settings_flood_index(const char *key); /* 0 for none */
/* The keys: which there are, and which take a list. NULL past the last. */
const char *settings_flood_key(size_t n, bool *ret_is_list);
const char *settings_flood_nearest(const char *name);
/* Takes one value. ERR_CONFIG. */
int settings_flood_set(
    struct settings_flood *f, const char *key, const char *value, struct err *err) NODISCARD;
/* Whether its action is allowed: ERR_CONFIG. */
int settings_flood_check(
    const struct settings *s, const struct settings_flood *f, struct err *err) NODISCARD;
void settings_flood_print(const struct settings *s, FILE *to);
