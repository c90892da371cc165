/* SPDX-License-Identifier: ISC */
/* Private to settings*.c: the tables of keys, of the file and of its `flood KIND { }` sections. */
#pragma once

#include "base/settings/settings.h"

enum settings_kind {
	TEXT_SOCKET, /* char *, not empty */
	TEXT_PATH,
	TEXT_USER,
	TEXT_GROUP,
	TEXT_OPTIONAL, /* may be empty from here on */
	TEXT_OPTIONAL_PATH,
	TEXT_OPTIONAL_SOCKET,
	TEXT_OPTIONAL_GROUP,
	TEXT_OPTIONAL_DOMAIN,
	TEXT_EXEMPT, /* "KIND:KEY", several, a newline between two */
	TEXT_NETWORKS,
	NUMBER_OCTAL, /* int64_t */
	NUMBER_COUNT,
	NUMBER_SIZE,
	CHOICE, /* int64_t: which of three words */
	WORD,   /* bool: which of two words */
	SWITCH,
	FLOOD_COUNTS, /* int64_t for each window; settings_flood.c from here on */
	FLOOD_FACTOR, /* double */
	FLOOD_ACTION, /* int64_t */
	FLOOD_SPAN,   /* int64_t, microseconds */
};

struct settings_row {
	const char *key;
	enum settings_kind kind;
	const char *otherwise; /* the default, as one would write it */
	unsigned offset;       /* of the member in struct settings or settings_flood */
	bool list;             /* takes several values */
	int64_t min, max;
	const char *words[3]; /* what means false, what means true; of a CHOICE all */
	int64_t windows[3];   /* of FLOOD_COUNTS: what may stand behind the '/' */
};

#define SETTINGS_ROWS       30
#define SETTINGS_FLOOD_ROWS 10
extern const struct settings_row settings_rows[SETTINGS_ROWS];
extern const struct settings_row settings_flood_rows[SETTINGS_FLOOD_ROWS];

/* Stores a value, checked, in the struct that has the row's member; NULL: the default. To a
 * TEXT_EXEMPT it is added. ERR_CONFIG with the key in the text, or -ENOMEM. */
int settings_set(
    void *base, const struct settings_row *row, const char *value, struct err *err) NODISCARD;
/* Checks what depends on this machine: room in the address space, and whether users and groups
 * exist (but the default ones, which the installation makes). */
int settings_check(
    const struct settings *s, const struct settings_row *row, struct err *err) NODISCARD;

/* ---- settings_flood.c */

/* The section of a kind, or NULL. */
struct settings_flood *settings_flood_find(struct settings *s, const char *kind);
void settings_flood_init(struct settings *s); /* nothing is given */
int settings_flood_check_exempt(const char *value, struct err *err) NODISCARD;
int settings_flood_set(
    const struct settings_row *row, void *member, const char *value, struct err *err) NODISCARD;
/* Whether its action is allowed: ERR_CONFIG. */
int settings_flood_check(
    const struct settings *s, const struct settings_flood *f, struct err *err) NODISCARD;
void settings_flood_print(const struct settings *s, FILE *to);

/* ---- settings_text.c */

/* Refuses what libconfuse misreads: ${NAME} (it expands the environment), NUL bytes (it stops),
 * bytes that it skips, open strings and bad escapes (its scanner would stay inside the string for
 * the next file). ERR_SYNTAX with the line (from 1) and static words. Blanks comments, whose lines
 * libconfuse 3.3 counts twice; lengths and line ends stay. */
int settings_prepare(char *text, size_t len, unsigned *ret_line, const char **ret_what) NODISCARD;
