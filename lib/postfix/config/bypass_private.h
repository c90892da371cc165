/* SPDX-License-Identifier: ISC */
/* Private to lib/postfix/config: what the checks of bypass.h share, and the commands that an admin
 * can type to mend a finding. */
#pragma once

#include "postfix/config/bypass.h"
#include "postfix/config/milters.h"

/* Each check looks at one service. */
struct scope {
	const struct bypass_facts *facts;
	const struct service *service;
	const char *list; /* lists this program's milters */
	struct findings *to;
	bool milters;          /* some list names the daemon */
	struct strbuf command; /* of the next finding; empty: the usual one */
};
const char *scope_value(const struct scope *s, const char *name);
/* milter_find in s->list. */
unsigned scope_find_ours(const struct scope *s, struct milter *ret);
/* Whether the service, going by a unix endpoint, finds another file than the socket ours. Then
 * *ret_seen is its path. */
bool scope_misses(
    const struct scope *s, const char *endpoint, const char *ours, struct strbuf *ret_seen);
/* Adds a finding about the parameter name. Its words name the service only if it sets the parameter
 * itself, so that a value of main.cf is reported once, not for each service. */
void scope_tell(struct scope *s, const char *id, enum finding_level level, const char *name,
    const char *format, ...) FORMAT(5, 6);

struct bypass_chroots {
	bool any, all; /* of smtpd and cleanup */
};
struct bypass_chroots bypass_chroots_of(const struct bypass_facts *facts);
bool bypass_is_below(const char *path, const char *directory);
bool bypass_same_file(const char *a, const char *b); /* also true for equal text */
/* Writes a path as the service resolves it: from its chroot, or from the queue directory. */
void bypass_seen_path(const struct bypass_facts *facts, const struct service *service,
    const char *path, struct strbuf *ret);
/* Writes the member that names the daemon in a list: an endpoint that every service reaches,
 * default_action and command_timeout. */
void bypass_entry(const struct bypass_facts *facts, struct strbuf *ret);

/* These set *ret to a shell command. service: its master.cf entry sets the parameter; NULL: main.cf
 * does. */
void advice_show(const struct bypass_facts *facts, const struct service *service, const char *name,
    struct strbuf *ret);
/* "postconf OPTION words" and a reload. words are quoted, whatever characters they have. */
void advice_postconf(
    const struct bypass_facts *facts, const char *option, const char *words, struct strbuf *ret);
/* Puts the daemon first in a list of milters and keeps the others. */
void advice_milters(const struct bypass_facts *facts, const struct service *service,
    const char *list, struct strbuf *ret);

/* check_policy_service in the restriction lists of smtpd(8): does it name our policy front, and can
 * an earlier restriction permit mail before the front is asked? */
struct policy_place {
	bool found;
	struct milter entry;  /* points into the list */
	struct span in_front; /* the first restriction before it that may permit; len 0: none */
};
/* socket: where the policy front listens. */
struct policy_place policy_place_in(const char *list, const char *socket);

/* Whether a list of any smtpd names it. */
bool policy_is_named(const struct bypass_facts *facts);
/* Whether the policy front sees all mail of this smtpd, at RCPT or at the end of data. */
bool policy_serves(const struct scope *s);
/* IDs: policy_half, policy_not_first, policy_default_action, policy_unreachable. The first two are
 * notes for a service whose mail the milter sees as well. */
void policy_check(struct scope *s);
