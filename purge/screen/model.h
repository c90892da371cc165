/* SPDX-License-Identifier: ISC */
/*
 * The screen without a terminal: a state that keys and data change. page.h draws it. A key returns
 * what the caller is to do: nothing here reads a clock, asks the daemon, or acts.
 */
#pragma once

#include "purge/screen/data.h"

enum screen_view { VIEW_GROUPS, VIEW_MESSAGES, VIEW_TEXT };

/* Besides characters. */
enum screen_key {
	SCREEN_NO_KEY = 0,
	SCREEN_REPAINT = 12, /* ^L */
	SCREEN_ENTER = '\n',
	SCREEN_ESCAPE = 27,
	SCREEN_ERASE = 127,
	SCREEN_UP = 0x1000,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_FIRST,
	SCREEN_LAST,
	SCREEN_BACK, /* left */
	SCREEN_OPEN, /* right */
	SCREEN_OTHER,
};

enum screen_effect {
	EFFECT_NONE,
	EFFECT_QUIT,
	EFFECT_REPAINT, /* the terminal shows something else */
	/* To be loaded; model_words names what. */
	EFFECT_GROUPS,
	EFFECT_MESSAGES,
	EFFECT_SHOW,
	EFFECT_WHY,
	/* To be done, by the verb, which shows and asks. */
	EFFECT_HOLD,
	EFFECT_PURGE,
	EFFECT_BLOCK,
	EFFECT_UNDO,
};

#define SCREEN_FILTER_MAX 63
#define SCREEN_NOTE_MAX   256

/* A place in a list: first is the topmost line shown. */
struct screen_place {
	size_t at, first;
};

struct screen_model {
	size_t rows, columns; /* of the terminal */
	bool utf8;
	enum screen_view view, below; /* below: where a text was opened */

	enum group_kind kind;
	struct screen_groups groups, before; /* before: the last but one; for rates */
	struct screen_place group;
	char *chosen; /* the group under the cursor, kept while others come and go; may be NULL */

	char *opened; /* the group whose messages are shown */
	struct screen_messages messages;
	struct screen_place message;
	bool gone; /* from the list, while a text over it was open: the message that is meant */

	char title[SCREEN_NOTE_MAX];
	struct strbuf text; /* packed lines */
	struct screen_place line;
	bool helping; /* it is about the keys: no key acts */

	char filter[SCREEN_FILTER_MAX + 1];
	bool typing;                 /* the filter */
	bool loading;                /* what the view shows has been asked for */
	char note[SCREEN_NOTE_MAX];  /* said until the next key; "" */
	char state[SCREEN_NOTE_MAX]; /* what is wrong as long as it is; "" */
};

void model_init(struct screen_model *m);
void model_release(struct screen_model *m);
void model_resize(struct screen_model *m, size_t rows, size_t columns);

enum screen_effect model_key(struct screen_model *m, int key);

/* Groups to be loaded: more than are shown, so that moving finds some, and more the further down.
 */
size_t model_wants(const struct screen_model *m);
/* Lines of a list that the terminal has room for. */
size_t model_room(const struct screen_model *m);
/* The words behind the verb for an effect: 0, ERR_SYNTAX with a
 * note if nothing can be named, or -ENOMEM. */
int model_words(struct screen_model *m, enum screen_effect effect, struct strbuf *packed) NODISCARD;
void model_note(struct screen_model *m, const char *format, ...) FORMAT(2, 3);

/* Data that came; taken over. The cursor stays on its group or message. */
void model_groups(struct screen_model *m, struct screen_groups *groups);
void model_messages(struct screen_model *m, struct screen_messages *messages);
/* Shows a text; a tab starts a column. */
void model_text(struct screen_model *m, const char *title, const char *text, size_t len);
