/* SPDX-License-Identifier: ISC */
/* A new verb needs its file, its function here, and its row in verbs.c. */
#pragma once

#include "order/order.h"
#include "purge/options.h"

struct fleet;
struct session;

enum verb_words {
	WORDS_NONE,
	WORDS_PATTERNS, /* must look like patterns */
	WORDS_RULES,    /* as in the rules file; at least one */
	WORDS_IDS,      /* queue IDs; at least one */
	WORDS_BATCHES,  /* numbers of batches; at least one */
	WORDS_ANY,
};

enum verb_flag {
	VERB_CHANGES = 1u << 0, /* needs a selection or --all */
	VERB_POSTFIX = 1u << 1, /* reads main.cf first */
	VERB_GROUPS = 1u << 2,  /* --limit counts lines of output, not messages */
	VERB_HIDDEN = 1u << 3,  /* for programs: help and suggestions do not name it */
	VERB_PLAIN = 1u << 4,   /* runs as the invoking user, without Postfix */
	VERB_AT_DOOR = 1u << 5, /* root runs it for others whom operator_allow admits */
};

struct verb {
	const char *name;
	const char *words_text; /* "[PATTERN...]" */
	const char *summary;
	const char *details; /* more help; NULL = none */
	unsigned takes;      /* enum option_group; OPTION_COMMON is implied */
	enum verb_words words;
	unsigned flags;
	enum action action; /* of the walk */
	/* returns an exit status or a negative code */
	int (*run)(struct session *s, struct err *err);
	int (*on_fleet)(struct fleet *f, struct err *err); /* likewise; NULL: not on the fleet */
};

/* The verb that word names. purge, with *ret_is_name false, if word is NULL or looks like a
 * pattern. Otherwise ERR_USAGE with the nearest name. */
int verb_choose(
    const char *word, const struct verb **ret, bool *ret_is_name, struct err *err) NODISCARD;
/* Of the verb of this name; for a name that is no verb, ACTION_LIST's. */
const struct action_row *verb_action_row(const char *name);
/* verb NULL: general help. */
void verb_help(FILE *to, const struct verb *verb);

int verb_act(struct session *s, struct err *err); /* purge, hold, release, undo */
int verb_retry(struct session *s, struct err *err);
int verb_list(struct session *s, struct err *err);
int verb_show(struct session *s, struct err *err);
int verb_block(struct session *s, struct err *err);
int verb_unblock(struct session *s, struct err *err);
int verb_rules(struct session *s, struct err *err);
int verb_top(struct session *s, struct err *err);
int verb_screen(struct session *s, struct err *err);
int verb_why(struct session *s, struct err *err);
int verb_complete(struct session *s, struct err *err);
int verb_sync(struct session *s, struct err *err);
int verb_log(struct session *s, struct err *err);
int verb_status(struct session *s, struct err *err);
int verb_metrics(struct session *s, struct err *err);
int verb_order(struct session *s, struct err *err);
int verb_floods(struct session *s, struct err *err);
int verb_report(struct session *s, struct err *err);
int verb_setup(struct session *s, struct err *err);
int verb_fleet(struct session *s, struct err *err); /* also other verbs with --fleet */
