/* SPDX-License-Identifier: ISC */
/*
 * Lists in main.cf whose members may stand in braces: the milters of smtpd_milters,
 * `{ unix:/x, default_action=accept }` among them, and tables such as those of header_checks. A
 * `socket` is where the daemon listens, in libmilter's notation.
 */
#ifndef PQPURGE_POSTFIX_MILTERS_H
#define PQPURGE_POSTFIX_MILTERS_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

/* The next member of a list at *at, braces and all: 1 or 0 at the end. *at starts at the value. */
int brace_list_next(const char **at, struct span *ret);

#define MILTER_TEXT_MAX 256

struct milter {
	struct span text;               /* as it stands in the list, which is a terminated string */
	char endpoint[MILTER_TEXT_MAX]; /* "unix:/pqpurge/milter.sock" */
};
/* The next milter: 1, or 0 at the end. What is longer than an endpoint may be is cut. */
int milter_next(const char **at, struct milter *ret);
/* The value of one of its attributes, as "accept" of default_action; false where it has none. */
bool milter_attribute(const struct milter *m, const char *name, char *buf, size_t size);

/* The path of a unix endpoint as it is written, NULL for other endpoints. */
const char *milter_path(const char *endpoint);
/* The port of an inet endpoint: "10" of Postfix's inet:host:10 and of libmilter's inet:10@host;
 * "" for others. */
const char *milter_port(const char *endpoint, char *buf, size_t size);

/* What in a list of milters stands for the daemon: the last two names of its path, or its port. */
const char *milter_mark(const char *socket, char *buf, size_t size);
/* Whether a milter is meant to be the daemon, reachable or not. */
bool milter_is_daemon(const struct milter *m, const char *socket);

/*
 * raw with the daemon first, once. ours: the member to put there. expanded: what raw means once
 * Postfix has replaced its references (`$name`). All other members stay as they are written; a
 * reference through which the daemon comes is written out. A member that already says all that
 * `ours` says (the same endpoint, default_action and command_timeout with whatever values) is
 * kept, so that what an admin tuned stays. 0: it was so already (ret gets raw), 1: changed,
 * ERR_SYNTAX: braces that do not close.
 */
int milter_list_join(const char *ours, const char *socket, const char *raw, const char *expanded,
    struct strbuf *ret, struct err *err) NODISCARD;
/* raw without the daemon: 1, or 0 where it was not in it (ret gets raw); ERR_SYNTAX. */
int milter_list_leave(
    const char *socket, const char *raw, struct strbuf *ret, struct err *err) NODISCARD;

#endif
