/* SPDX-License-Identifier: ISC */
/*
 * Editing a list of milters in main.cf: the daemon's own goes first, all others stay as they are
 * written, braces, references and separators. Pure functions of text.
 */
#ifndef PQPURGE_POSTFIX_MILTER_LIST_H
#define PQPURGE_POSTFIX_MILTER_LIST_H

#include "base/err.h"
#include "base/str.h"
#include "postfix/config/milters.h"

struct milter_list {
	const char *ours; /* "{ unix:/pqpurge/milter.sock, default_action=accept, ... }" */
	/* Whether a member is the daemon, reachable or not. */
	bool (*is_ours)(void *arg, const struct milter *m);
	/* The value that a reference (`$name`) stands for; NULL: it is left alone. May itself be
	 * NULL. */
	const char *(*value)(void *arg, const char *name);
	void *arg;
};

/*
 * raw with the daemon first, once. A member of raw that already says all that `ours` says (the same
 * endpoint, default_action and command_timeout with whatever values) is kept, so that what an
 * admin tuned stays. 0 it was so already (ret gets raw), 1 changed; ERR_SYNTAX: braces that do not
 * close.
 */
int milter_list_join(
    const struct milter_list *l, const char *raw, struct strbuf *ret, struct err *err) NODISCARD;
/* raw without the daemon: 1, or 0 where it was not in it (ret gets raw); ERR_SYNTAX. */
int milter_list_leave(
    const struct milter_list *l, const char *raw, struct strbuf *ret, struct err *err) NODISCARD;

#endif
