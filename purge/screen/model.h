/* SPDX-License-Identifier: ISC */
/* The screen without a terminal: a state that changes by keys and data. page.h draws it. A key
 * returns an effect for the caller: nothing here reads a clock, asks the daemon, or acts. */
#pragma once

#include "purge/screen/data.h"

enum screen_view { VIEW_GROUPS, VIEW_MESSAGES, VIEW_TEXT };

/* besides characters */
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
	EFFECT_REPAINT, /* the terminal may show something else */
	/* data to load; model_words names it */
	EFFECT_GROUPS,
	EFFECT_MESSAGES,
	EFFECT_SHOW,
	EFFECT_WHY,
	/* verbs to run; they show and ask */
	EFFECT_HOLD,
	EFFECT_PURGE,
	EFFECT_BLOCK,
	EFFECT_UNDO,
};

#define SCREEN_FILTER_MAX 63
#define SCREEN_NOTE_MAX   256

/* first: the topmost visible line. */
struct screen_place {
	size_t at, first;
};

struct screen_model {
	size_t rows, columns; /* of the terminal */
	bool utf8;
	enum screen_view view, below; /* below: the view from which a text was opened */

	enum group_kind kind;
	struct screen_groups groups, before; /* before: the previous ones, for rates */
	struct screen_place group;
	char
	    *chosen; /* name of the group under the cursor, while others come and go; may be NULL */

	char *opened; /* the group whose messages are shown */
	struct screen_messages messages;
	struct screen_place message;
	bool gone; /* while a text was open over the list, its message left the list */

	char title[SCREEN_NOTE_MAX];
	struct strbuf text; /* packed lines */
	struct screen_place line;
	enum screen_effect shown; /* EFFECT_SHOW or EFFECT_WHY: what the text answers */
	bool helping;             /* the text is the help: no key acts */

	char filter[SCREEN_FILTER_MAX + 1];
	bool typing;                 /* a filter */
	bool loading;                /* the view's data was requested */
	char note[SCREEN_NOTE_MAX];  /* shown until the next key; "" */
	char state[SCREEN_NOTE_MAX]; /* a lasting problem; "" */
};

void model_init(struct screen_model *m);
void model_release(struct screen_model *m);
void model_resize(struct screen_model *m, size_t rows, size_t columns);

enum screen_effect model_key(struct screen_model *m, int key);

/* The number of groups to load: more than are visible, so that the cursor can move. */
size_t model_wants(const struct screen_model *m);
/* The words after the verb for an effect. 0, ERR_SYNTAX with a note if nothing can be named, or
 * -ENOMEM. */
int model_words(struct screen_model *m, enum screen_effect effect, struct strbuf *packed) NODISCARD;
void model_note(struct screen_model *m, const char *format, ...) FORMAT(2, 3);

/* Take over new data. The cursor stays on its group or message. */
void model_groups(struct screen_model *m, struct screen_groups *groups);
void model_messages(struct screen_model *m, struct screen_messages *messages);
/* A tab starts a column. */
void model_text(struct screen_model *m, const char *title, const char *text, size_t len);
