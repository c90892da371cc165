/* SPDX-License-Identifier: ISC */
/* The keys of a settings file: one row says all of a key. Private to settings.c. */
#ifndef PQPURGE_BASE_SETTINGS_ROW_H
#define PQPURGE_BASE_SETTINGS_ROW_H

#include "base/settings.h"

enum settings_kind {
	SETTINGS_TEXT,           /* char *, not empty */
	SETTINGS_SOCKET,         /* char *, see endpoint.h */
	SETTINGS_PATH,           /* char *, absolute */
	SETTINGS_USER,           /* char *, of an account that there is */
	SETTINGS_GROUP,          /* likewise */
	SETTINGS_OPTIONAL_TEXT,  /* char * */
	SETTINGS_OPTIONAL_PATH,  /* char *: "", or absolute */
	SETTINGS_LIST,           /* char *: several values, a newline between two */
	SETTINGS_OPTIONAL_GROUP, /* char *: "", or of a group that there is */
	SETTINGS_NETWORKS,       /* char *, see net_parse_list */
	SETTINGS_OCTAL,          /* int64_t from here on */
	SETTINGS_COUNT,
	SETTINGS_SIZE,
	SETTINGS_CHOICE, /* which of up to three words */
	SETTINGS_WORD,   /* bool: which of two words */
	SETTINGS_SWITCH, /* bool */
};

struct settings_row {
	const char *key;
	enum settings_kind kind;
	const char *otherwise; /* the default, as one would write it */
	size_t offset;         /* of the member in struct settings */
	int64_t min, max;
	const char *words[3]; /* for SETTINGS_WORD: what means false, what means true; CHOICE */
};

#define SETTINGS_ROWS 24
extern const struct settings_row settings_rows[SETTINGS_ROWS];

/* The row of a key; SETTINGS_ROWS where there is none. */
size_t settings_row_find(const char *key);
/* The key that is nearest to a mistyped one; NULL where none is near. */
const char *settings_row_nearest(const char *name);
/* Converts, checks and stores a copy; frees what was there. ERR_CONFIG with the key in the text. */
int settings_row_set(const struct settings_row *row, struct settings *s, const char *value,
    struct err *err) NODISCARD;
/* Adds a value to a SETTINGS_LIST. */
int settings_row_add(const struct settings_row *row, struct settings *s, const char *value,
    struct err *err) NODISCARD;
/*
 * What no value says by itself: whether the address space has room for it, whether there is such a
 * user or group. The default ones are not looked for: the installation makes them.
 */
int settings_row_check(
    const struct settings_row *row, const struct settings *s, struct err *err) NODISCARD;
void settings_row_release(const struct settings_row *row, struct settings *s);
void settings_row_print(const struct settings_row *row, const struct settings *s, FILE *to);

#endif
