/* SPDX-License-Identifier: ISC */
/* Lists of main.cf whose members may stand in braces: milters (smtpd_milters), such as `{ unix:/x,
 * default_action=accept }`, and tables (header_checks). `socket` always means where the daemon
 * listens, in libmilter's notation. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

/* Sets *ret to the next member, with its braces, and advances *at, which starts at the list's
 * value. Returns 1, or 0 at the end. */
int brace_list_next(const char **at, struct span *ret);

#define MILTER_TEXT_MAX 256

struct milter {
	struct span text;               /* points into the list, which is a terminated string */
	char endpoint[MILTER_TEXT_MAX]; /* "unix:/pqpurge/milter.sock" */
};
/* Returns 1, or 0 at the end. Cuts an endpoint that is too long. */
int milter_next(const char **at, struct milter *ret);
/* "accept" of default_action. False if m lacks it. */
bool milter_attribute(const struct milter *m, const char *name, char *buf, size_t size);

/* The path of a unix endpoint; NULL for other endpoints. */
const char *milter_path(const char *endpoint);
/* The port of an inet endpoint, in Postfix's order (inet:host:port) or libmilter's
 * (inet:port@host). "" for other endpoints. */
const char *milter_port(const char *endpoint, char *buf, size_t size);

/* How a list names the daemon: the last two components of its path, or its port. */
const char *milter_mark(const char *socket, char *buf, size_t size);
/* Whether a milter is meant to be the daemon, even if its endpoint does not reach it. */
bool milter_is_daemon(const struct milter *m, const char *socket);
/* The daemon's position in the list, from 1, and its member; 0 if it is missing. */
unsigned milter_find(const char *list, const char *socket, struct milter *ret);

/* Writes to ret the list raw with the daemon as its first member, once. ours: the member to add.
 * expanded: raw with its references (`$name`) replaced. Other members stay as they are. A reference
 * whose value names the daemon is written out.
 *
 * If the list already has the daemon with the endpoint of `ours`, a default_action and a
 * command_timeout, that member is kept, because an admin may have tuned it. Returns 1 changed, 0
 * nothing to change (ret gets raw), or ERR_SYNTAX for unbalanced braces. */
int milter_list_join(const char *ours, const char *socket, const char *raw, const char *expanded,
    struct strbuf *ret, struct err *err) NODISCARD;
/* Writes raw without the daemon to ret. Returns 1 removed, 0 was not there, or ERR_SYNTAX. */
int milter_list_leave(
    const char *socket, const char *raw, struct strbuf *ret, struct err *err) NODISCARD;
