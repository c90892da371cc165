/* SPDX-License-Identifier: ISC */
/* What to type about a finding. Private to lib/postfix/config. */
#pragma once

#include "postfix/config/bypass.h"
#include "postfix/config/milters.h"

struct bypass_chroots {
	bool any, all; /* of smtpd and cleanup */
};
struct bypass_chroots bypass_chroots_of(const struct bypass_facts *facts);
bool bypass_is_below(const char *path, const char *directory);
bool bypass_same_file(const char *a, const char *b); /* also true for equal text */
/* Adds a path of a list as the service sees it, from its chroot or from the queue directory. */
void bypass_seen_path(const struct bypass_facts *facts, const struct service *service,
    const char *path, struct strbuf *ret);
/* Adds the daemon's member of a list: an endpoint that every service reaches, default_action and
 * command_timeout. */
void bypass_entry(const struct bypass_facts *facts, struct strbuf *ret);

/* Each sets *ret to a command for the shell. service: it sets the parameter itself; NULL: main.cf
 * does. */

/* Shows a parameter. */
void advice_show(const struct bypass_facts *facts, const struct service *service, const char *name,
    struct strbuf *ret);
/* postconf OPTION words, and a reload. words may hold anything. */
void advice_postconf(
    const struct bypass_facts *facts, const char *option, const char *words, struct strbuf *ret);
/* Puts the daemon first in a list of milters; the others follow as they are. */
void advice_milters(const struct bypass_facts *facts, const struct service *service,
    const char *list, struct strbuf *ret);
