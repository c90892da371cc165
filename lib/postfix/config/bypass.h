/* SPDX-License-Identifier: ISC */
/*
 * Settings of Postfix that let mail past the rules, or stop mail while the daemon is down.
 *
 * The queue is read in any case, so mail that the daemon does not see is found all the same; only
 * the rules do not apply to it. A finding is a fault where mail from outside passes the rules, and
 * a note where it is mail that a content filter gives back, which met the rules when it came in.
 * Advice only ever puts the daemon in front of the list that is there. It never removes or replaces
 * another filter.
 */
#ifndef PQPURGE_POSTFIX_BYPASS_H
#define PQPURGE_POSTFIX_BYPASS_H

#include "postfix/config/finding.h"
#include "postfix/config/mailconf.h"

struct bypass_facts {
	const struct mailconf *conf; /* read with bypass_parameters */
	const struct postfix *p;
	const char *socket; /* where the daemon listens, in libmilter's notation */
	/* checks_have */
	int (*look)(
	    const struct postfix *p, const char *table, const char *lacking, struct err *err);
};

/* The parameters of main.cf that are needed, ended by NULL. */
extern const char *const bypass_parameters[];

/*
 * Adds what is wrong, by the facts alone. IDs: not_set_up (then it is the only one),
 * milter_missing, milter_not_first, no_milters, proxy_filter, milter_maps, redirect,
 * default_action, command_timeout (socket_activation where systemd listens), socket_unreachable,
 * short_ids.
 */
void bypass_check(const struct bypass_facts *facts, struct findings *to);
/* Whether such a finding says that some mail passes the rules. */
bool bypass_is_past_rules(const struct finding *finding);
/* Whether a list of milters of this Postfix leads to the daemon's socket: by the file, not by its
 * name. */
bool bypass_names_socket(const struct bypass_facts *facts);

/*
 * The same for a living Postfix: reads its configuration and tables, and looks whether mail_owner
 * may connect to a unix socket (if daemon_runs; IDs socket_missing, socket_denied). ERR_CONFIG
 * where postconf fails.
 */
int bypass_find(const struct postfix *p, const char *socket, bool daemon_runs, struct findings *to,
    struct err *err) NODISCARD;
/*
 * Other instances (multi_instance_directories, alternate_config_directories) whose lists lead to
 * this daemon's socket: a note shared_socket for each. Skips what cannot be read.
 */
void bypass_find_others(const struct postfix *p, const char *socket, struct findings *to);

#endif
