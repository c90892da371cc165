/* SPDX-License-Identifier: ISC */
/* A verb that root runs for another user. Root's own option parser reads the command line, but
 * takes only listed options, none of which names a file or reads stdin. */
#pragma once

#include "base/err.h"

struct session;

#define BEHALF_FLOOD_MAX 640 /* bytes of behalf_answer.flood, with its NUL */

struct behalf {
	uid_t uid;
	const char *user;
	const char *config; /* root's own -c; NULL: none */
	const char *allow;  /* operator_allow or fleet_allow; NULL: all verbs that the door has */
	const char *allow_key; /* the setting's name */
	bool answered;         /* they saw a dry run and answered yes */
	const char *token;     /* of a fleet order, for the account; else NULL */
	const char *command;   /* for the account; NULL: the words */
	uint64_t most; /* an order that would change more messages is refused; 0: no limit */
	int turn;      /* a lock that the verb's process also holds until it ends; 0: none */
	struct behalf_answer {
		uint64_t matched;             /* ready or done; for acting verbs */
		struct err refused;           /* "": it was not */
		char flood[BEHALF_FLOOD_MAX]; /* meaning of --flood (floods.h), or "" */
		_Atomic uint64_t done, of;    /* in messages */
	} * answer;                           /* shared with the parent; NULL in tests */
};

/* given: "name", or "name=value". */
bool behalf_is_open(const char *given);
/* Call it before the words are parsed, since parsing compiles expressions. ERR_REFUSED with words
 * if a word may be an expression and `allow` lacks "regex". */
int behalf_check_words(const struct behalf *b, int argc, char **argv, struct err *err) NODISCARD;
/* Checks verb and options of the session (parsed, not opened). ERR_REFUSED with words. */
int behalf_check(struct session *s, struct err *err) NODISCARD;
