/* SPDX-License-Identifier: ISC */
/* Finds settings of Postfix that let mail past the rules, or that stop mail while the daemon is
 * down. (pqpurge-idx still finds such mail: it is in the queue.)
 *
 * If mail from outside passes the rules, the finding is a fault. If only mail from a content filter
 * passes, it is a note: that mail met the rules when it first came in. Suggested commands only put
 * the daemon first in a list. They never remove or replace another filter. */
#pragma once

#include "postfix/config/finding.h"
#include "postfix/config/mailconf.h"

struct bypass_facts {
	const struct mailconf *conf; /* read with bypass_parameters */
	const struct postfix *p;
	const char *socket;        /* where the daemon listens, in libmilter's notation */
	const char *policy_socket; /* where the policy front listens; "" or NULL: it is off */
	int (*look)(const struct postfix *p, const char *table, const char *lacking,
	    struct err *err); /* lookup_has; tests replace it */
};

/* The parameters of main.cf, for mailconf_read. */
extern const char *const bypass_parameters[];

/* Adds findings from the facts alone, without a running Postfix. Their IDs: not_set_up (then no
 * other), milter_missing, policy_envelope (instead of milter_missing if the policy front sees that
 * mail), milter_not_first, no_milters, proxy_filter, milter_maps, redirect, default_action,
 * command_timeout (socket_activation if systemd listens), socket_unreachable, policy_missing,
 * short_ids, and those of policy_check (bypass_private.h). */
void bypass_check(const struct bypass_facts *facts, struct findings *to);
/* Whether the finding means that some mail passes the rules. */
bool bypass_is_past_rules(const struct finding *finding);
/* Whether a list of milters leads to the daemon's socket. Compares files, not names. */
bool bypass_names_socket(const struct bypass_facts *facts);

/* bypass_check with the facts of a living Postfix. If daemon_runs, it also tests whether mail_owner
 * may connect to a unix socket (IDs socket_missing, socket_denied). ERR_CONFIG if postconf
 * failed. */
int bypass_find(const struct postfix *p, const char *socket, const char *policy_socket,
    bool daemon_runs, struct findings *to, struct err *err) NODISCARD;
/* Adds a note (ID shared_socket) for each other instance that uses this daemon, among those that
 * multi_instance_directories and alternate_config_directories name. Skips unreadable ones. */
void bypass_find_others(const struct postfix *p, const char *socket, struct findings *to);
