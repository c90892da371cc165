/* SPDX-License-Identifier: ISC */
/* Private to lib/base/settings: the keys of the file and of `flood KIND { }`. */
#pragma once

#include "base/settings/settings.h"

enum settings_kind {
	TEXT_SOCKET, /* char *, not empty */
	TEXT_PATH,
	TEXT_USER,
	TEXT_GROUP,
	TEXT_OPTIONAL, /* from here on may be empty */
	TEXT_OPTIONAL_PATH,
	TEXT_OPTIONAL_SOCKET,
	TEXT_OPTIONAL_GROUP,
	TEXT_OPTIONAL_DOMAIN,
	TEXT_VERBS,
	TEXT_EXEMPT, /* "KIND:KEY", separated by newlines */
	TEXT_NETWORKS,
	NUMBER_OCTAL, /* int64_t */
	NUMBER_COUNT,
	NUMBER_SIZE,
	CHOICE, /* int64_t: index of one of three words */
	WORD,   /* bool: one of two words */
	SWITCH,
	FLOOD_COUNTS, /* int64_t for each window; from here on in settings_flood.c */
	FLOOD_FACTOR, /* double */
	FLOOD_ACTION, /* int64_t */
	FLOOD_SPAN,   /* int64_t, microseconds */
};

struct settings_row {
	const char *key;
	enum settings_kind kind;
	const char *otherwise; /* the default, as in a file */
	unsigned offset;       /* of the member in struct settings or struct settings_flood */
	bool list;             /* accepts several values */
	int64_t min, max;
	const char *words[3]; /* WORD: the word for false, the word for true; CHOICE: all words */
	int64_t windows[3];   /* FLOOD_COUNTS: the windows that may follow the '/' */
};

#define SETTINGS_ROWS       30
#define SETTINGS_FLOOD_ROWS 10
extern const struct settings_row settings_rows[SETTINGS_ROWS];
extern const struct settings_row settings_flood_rows[SETTINGS_FLOOD_ROWS];

/* Checks a value (NULL: the default) and stores it in the member of the struct at base. A
 * TEXT_EXEMPT is appended. ERR_CONFIG with words that name the key. */
int settings_set(
    void *base, const struct settings_row *row, const char *value, struct err *err) NODISCARD;
/* Checks what depends on this machine: whether the address space suffices, and whether users and
 * groups exist (except the default ones, which the installation makes); and that values differ
 * where they must. */
int settings_check(
    const struct settings *s, const struct settings_row *row, struct err *err) NODISCARD;

/* NULL if there is no such kind. */
struct settings_flood *settings_flood_find(struct settings *s, const char *kind);
void settings_flood_init(struct settings *s); /* marks everything as not given */
int settings_flood_set(
    const struct settings_row *row, void *member, const char *value, struct err *err) NODISCARD;
/* ERR_CONFIG if the section's action is not allowed. */
int settings_flood_check(
    const struct settings *s, const struct settings_flood *f, struct err *err) NODISCARD;
void settings_flood_print(const struct settings *s, FILE *to);

/* Refuses text that libconfuse misreads: ${NAME} (it expands the environment), NUL bytes (it
 * stops), bytes that it skips, open strings and bad escapes (its scanner would stay inside the
 * string for the next file).
 *
 * Blanks out comments, because libconfuse 3.3 counts their lines twice; lengths and line ends stay.
 * ERR_SYNTAX comes with the line (from 1) and static words. *ret_open: a '{' is never closed. */
int settings_prepare(
    char *text, size_t len, bool *ret_open, unsigned *ret_line, const char **ret_what) NODISCARD;
