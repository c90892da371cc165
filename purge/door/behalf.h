/* SPDX-License-Identifier: ISC */
/*
 * A verb that root runs for a user who is not root, and the words that they may use. Root's own
 * option parser reads the command line. It takes only listed options, none of which names a file or
 * reads stdin.
 */
#pragma once

#include "base/err.h"

struct session;

#define BEHALF_FLOOD_MAX 640 /* bytes of behalf_answer.flood, with its NUL */

struct behalf {
	uid_t uid;
	const char *user;
	const char *config; /* root's own -c; NULL: none */
	const char *allow;  /* operator_allow or fleet_allow; NULL: all verbs that are open here */
	const char *allow_key; /* the name of that setting, for error messages */
	bool answered;         /* they saw a dry run and answered yes */
	const char *token;     /* of a fleet order, for the account; else NULL */
	const char *command;   /* the command for the account; NULL: the words */
	uint64_t most; /* messages; an order that would change more is refused; 0: no bound */
	int turn;      /* a lock that the verb's process also holds until it ends; 0: none */
	struct behalf_answer {
		uint64_t matched;             /* messages, ready or done; for acting verbs */
		struct err refused;           /* why it was refused; "": it was not */
		char flood[BEHALF_FLOOD_MAX]; /* meaning of --flood (floods.h), or "" */
		_Atomic uint64_t done, of;    /* progress in messages */
	} * answer;                           /* shared with the parent; NULL in tests */
};

/* Whether a user who is not root may give this option: "name", or "name=value". */
bool behalf_is_open(const char *given);
/* Call it before the words are parsed, since parsing compiles expressions. ERR_REFUSED with words
 * if a word may be an expression and `allow` lacks "regex". */
int behalf_check_words(const struct behalf *b, int argc, char **argv, struct err *err) NODISCARD;
/* Checks the session's verb and options (parsed, not opened). ERR_REFUSED with words. */
int behalf_check(struct session *s, struct err *err) NODISCARD;
