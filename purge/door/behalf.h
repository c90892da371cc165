/* SPDX-License-Identifier: ISC */
/*
 * A verb that root runs for somebody who is not root: what of the command line is theirs to say.
 * Root's own option parser reads it; of its options only those of a list are taken, none of which
 * names a file or reads stdin.
 */
#pragma once

#include "base/err.h"

struct session;

#define BEHALF_FLOOD_MAX 640

struct behalf {
	uid_t uid;
	const char *user;
	const char *config;    /* -c of root's own; NULL */
	const char *allow;     /* operator_allow; NULL: everything that can be asked here (root) */
	const char *allow_key; /* the setting that it is, for words */
	bool answered;         /* they have seen a dry run, and said yes */
	const char *token;     /* of a fleet order, for the account; else NULL */
	const char *command;   /* likewise, instead of the words; NULL: those */
	uint64_t most; /* an order that would change more messages is refused; 0: no bound */
	struct behalf_answer {
		uint64_t matched;             /* by an acting verb: messages, ready or done */
		struct err refused;           /* why behalf_check did not let them; "" */
		char flood[BEHALF_FLOOD_MAX]; /* what --flood meant; "" */
		_Atomic uint64_t done, of;    /* progress */
	} * answer;                           /* shared with the parent; NULL in tests */
};

/* Whether others may give this option: "name", or "name=value". */
bool behalf_is_open(const char *given);
/* Before the words are parsed, for that compiles expressions: ERR_REFUSED with words where one may
 * be an expression and behalf does not let them use any. */
int behalf_check_words(const struct behalf *b, int argc, char **argv, struct err *err) NODISCARD;
/* The session's verb and options, parsed and not opened yet: ERR_REFUSED with words where behalf
 * does not let them. */
int behalf_check(struct session *s, struct err *err) NODISCARD;
