/* SPDX-License-Identifier: ISC */
/*
 * Settings of Postfix that let mail past the rules, or stop mail while the daemon is down.
 * (Commands find such mail all the same, in the queue.) A finding is a fault if mail from outside
 * passes the rules, a note if it is mail from a content filter, which met the rules when it came
 * in. Advice only puts the daemon in front of a list: it never removes or replaces another filter.
 */
#pragma once

#include "postfix/config/finding.h"
#include "postfix/config/mailconf.h"

struct bypass_facts {
	const struct mailconf *conf; /* read with bypass_parameters */
	const struct postfix *p;
	const char *socket;        /* where the daemon listens, in libmilter's notation */
	const char *policy_socket; /* likewise, of the policy front; "" or NULL: none */
	int (*look)(const struct postfix *p, const char *table, const char *lacking,
	    struct err *err); /* lookup_has */
};

/* Of main.cf, ended by NULL. */
extern const char *const bypass_parameters[];

/*
 * Adds findings by the facts alone. IDs: not_set_up (alone), milter_missing (or policy_envelope:
 * the policy front alone sees that mail), milter_not_first, no_milters, proxy_filter, milter_maps,
 * redirect, default_action, command_timeout (if systemd listens socket_activation),
 * socket_unreachable, short_ids, and those of bypass_policy.h.
 */
void bypass_check(const struct bypass_facts *facts, struct findings *to);
/* Whether the finding means that some mail passes the rules. */
bool bypass_is_past_rules(const struct finding *finding);
/* Whether a list of milters of this Postfix leads to the daemon's socket, by its file. */
bool bypass_names_socket(const struct bypass_facts *facts);

/* The same for a living Postfix. If daemon_runs also tests whether mail_owner may connect to a unix
 * socket (IDs socket_missing, socket_denied). ERR_CONFIG: postconf failed. */
int bypass_find(const struct postfix *p, const char *socket, const char *policy_socket,
    bool daemon_runs, struct findings *to, struct err *err) NODISCARD;
/* Adds a note shared_socket for each other instance (multi_instance_directories,
 * alternate_config_directories) that uses this daemon. Skips unreadable ones. */
void bypass_find_others(const struct postfix *p, const char *socket, struct findings *to);
