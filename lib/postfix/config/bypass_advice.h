/* SPDX-License-Identifier: ISC */
/* What to type about a finding. Private to lib/postfix/config. */
#ifndef PQPURGE_POSTFIX_BYPASS_ADVICE_H
#define PQPURGE_POSTFIX_BYPASS_ADVICE_H

#include "postfix/config/bypass.h"
#include "postfix/config/milters.h"

/* Whether any (or every) smtpd and cleanup is chrooted. */
struct bypass_chroots {
	bool any, all;
};
struct bypass_chroots bypass_chroots_of(const struct bypass_facts *facts);
bool bypass_is_below(const char *path, const char *directory);
/* Whether two paths are the same text, or lead to the same file. */
bool bypass_same_file(const char *a, const char *b);
/* Adds the daemon as a list of milters should name it: the endpoint that every service reaches, and
 * what Postfix does while the daemon does not answer. */
void bypass_entry(const struct bypass_facts *facts, struct strbuf *ret);

/*
 * Each sets *ret to a command for the shell. service: the parameter is one of its own in master.cf;
 * NULL: it is main.cf's.
 */
/* Shows a parameter: what is in it is the admin's affair. */
void advice_show(const struct bypass_facts *facts, const struct service *service, const char *name,
    struct strbuf *ret);
/* postconf OPTION words, and a reload of Postfix. words may hold anything. */
void advice_postconf(
    const struct bypass_facts *facts, const char *option, const char *words, struct strbuf *ret);
/* Puts the daemon first in a list of milters; the others follow as they are. */
void advice_milters(const struct bypass_facts *facts, const struct service *service,
    const char *list, struct strbuf *ret);

#endif
