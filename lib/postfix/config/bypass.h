/* SPDX-License-Identifier: ISC */
/*
 * Settings of Postfix through which mail bypasses the index, or stops when the daemon does. A pure
 * function of what postconf(1) said and of where the daemon listens; what else must be looked up
 * (files, tables) is asked for by two callbacks.
 */
#ifndef PQPURGE_POSTFIX_BYPASS_H
#define PQPURGE_POSTFIX_BYPASS_H

#include "postfix/config/finding.h"
#include "postfix/config/mailconf.h"

struct bypass_facts {
	const struct mailconf *conf;  /* read with bypass_parameters */
	const char *config_directory; /* of this Postfix; "/etc/postfix" is left out of commands */
	const char *queue_directory;
	const char *socket;     /* where the daemon listens, in libmilter's notation */
	int64_t commit_timeout; /* microseconds */
	bool tempfail;          /* on_index_error = "tempfail": such a default_action is meant */

	/* Whether two paths are the same file; NULL: only if they are the same text. */
	bool (*same_file)(const char *a, const char *b);
	/* As checks_have. NULL: nothing can be looked at. */
	int (*look)(void *arg, const char *table, const char *action, struct err *err);
	void *arg;
};

/* The parameters of main.cf that are needed, ended by NULL. */
extern const char *const bypass_parameters[];

/*
 * Adds what is wrong, in the order of its weight. IDs: milter_missing, milter_not_first,
 * no_milters, proxy_filter, milter_maps, redirect, socket_unreachable, default_action,
 * command_timeout, socket_activation, short_ids.
 */
void bypass_check(const struct bypass_facts *facts, struct findings *to);

/*
 * The same for a living Postfix: reads its configuration and the tables, and looks whether
 * mail_owner may connect to a unix socket (daemon_runs; IDs socket_missing, socket_denied). facts
 * needs socket, commit_timeout and tempfail alone. ERR_CONFIG where postconf fails.
 */
int bypass_find(const struct postfix *p, const struct bypass_facts *facts, bool daemon_runs,
    struct findings *to, struct err *err) NODISCARD;

#endif
