/* SPDX-License-Identifier: ISC */
/* What to type about a finding. Private to bypass*.c. */
#ifndef PQPURGE_POSTFIX_BYPASS_ADVICE_H
#define PQPURGE_POSTFIX_BYPASS_ADVICE_H

#include "postfix/config/bypass.h"
#include "postfix/config/milters.h"

/* Whether this milter of Postfix is meant to be the daemon, reachable or not. */
bool bypass_is_ours(const struct bypass_facts *facts, const struct milter *m);
/* What in a list of milters stands for the daemon: the end of its path, or its port. */
const char *bypass_mark(const struct bypass_facts *facts, char *buf, size_t size);
/* Where a service finds a unix endpoint: in the file system of the host. */
void bypass_seen_path(const struct bypass_facts *facts, const struct service *service,
    const char *path, struct strbuf *ret);

bool bypass_is_below(const char *path, const char *directory);
/* Whether two paths are the same text, or the same file. */
bool bypass_same_file(const char *a, const char *b);

/* Whether any (or every) service that runs one of these two programs is chrooted. */
struct bypass_chroots {
	bool any, all;
};
struct bypass_chroots bypass_chroots_of(const struct bypass_facts *facts);
/* Adds the daemon as a list of milters should name it: the endpoint that every service reaches, and
 * what is to happen without it. */
void bypass_entry(const struct bypass_facts *facts, struct strbuf *ret);

/* Shows a parameter: where nothing that is ours can be put right. */
void advice_show(const struct bypass_facts *facts, const struct service *service, const char *name,
    struct strbuf *ret);
/* Sets a parameter of main.cf; value may hold anything. */
void advice_set(
    const struct bypass_facts *facts, const char *name, const char *value, struct strbuf *ret);
/* Sets one column of master.cf, as "chroot". */
void advice_column(const struct bypass_facts *facts, const struct service *service,
    const char *column, const char *value, struct strbuf *ret);
/*
 * Puts the daemon first, with the attributes that it should have, in the list of milters of main.cf
 * (service NULL) or in a service's own; the others follow as they are. For a service the list is
 * written without blanks, which postconf -P does not take.
 */
void advice_milters(const struct bypass_facts *facts, const struct service *service,
    const char *list, struct strbuf *ret);

#endif
