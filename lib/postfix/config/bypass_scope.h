/* SPDX-License-Identifier: ISC */
/* Where a check looks, and the checks. Private to bypass*.c. */
#ifndef PQPURGE_POSTFIX_BYPASS_SCOPE_H
#define PQPURGE_POSTFIX_BYPASS_SCOPE_H

#include "postfix/config/bypass_advice.h"

/* One place where a check looks: main.cf, or a service that differs from it. */
struct scope {
	const struct bypass_facts *facts;
	const struct service *service; /* NULL: main.cf */
	const char *list;              /* the milters of this program */
	struct findings *to;
};

/* The value in force. */
const char *scope_value(const struct scope *s, const char *name);
/* "smtpd_milters", or "smtpd_milters of submission/inet"; returns buf. */
const char *scope_place(const struct scope *s, const char *name, char *buf, size_t size);
/* The service, where it is that which sets the parameter; else NULL. */
const struct service *scope_owner(const struct scope *s, const char *name);
/* The daemon in the list of this scope: its position from 1, 0 where it is not there. */
unsigned scope_find_ours(const struct scope *s, struct milter *ret);
/* Whether it takes mail back from a content filter: there is one, it does not send mail there
 * itself, and it listens on the loopback or on a bare port from 10000 on. */
bool scope_is_return(const struct scope *s);
/* A note where mail only comes back there, else a fault. */
enum finding_level scope_level(const struct scope *s);

/* ---- bypass_ways.c: ways past the daemon */

void check_list(const struct scope *s);
void check_no_milters(const struct scope *s);
void check_proxy(const struct scope *s);
void check_maps(const struct scope *s);
void check_redirect(const struct scope *s);

/* ---- bypass_terms.c: what Postfix does when the daemon does not answer, and where it looks */

void check_action(const struct scope *s);
void check_timeout(const struct scope *s);
void check_activation(const struct scope *s);
void check_reach(const struct scope *s);

#endif
