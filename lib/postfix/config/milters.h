/* SPDX-License-Identifier: ISC */
/*
 * Lists in main.cf whose members may stand in braces: milters (smtpd_milters), such as `{ unix:/x,
 * default_action=accept }`, and tables (header_checks). `socket` is where the daemon listens, in
 * libmilter's notation.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

/* The next member, with its braces: 1, or 0 at the end. *at starts at the value. */
int brace_list_next(const char **at, struct span *ret);

#define MILTER_TEXT_MAX 256

struct milter {
	struct span text;               /* in the list, which is a terminated string */
	char endpoint[MILTER_TEXT_MAX]; /* "unix:/pqpurge/milter.sock" */
};
/* 1, or 0 at the end. A longer endpoint is cut. */
int milter_next(const char **at, struct milter *ret);
/* The value of an attribute, "accept" of default_action; false: it has none. */
bool milter_attribute(const struct milter *m, const char *name, char *buf, size_t size);

/* The path of a unix endpoint; NULL for others. */
const char *milter_path(const char *endpoint);
/* The port of Postfix's inet:host:port and libmilter's inet:port@host; "" for others. */
const char *milter_port(const char *endpoint, char *buf, size_t size);

/* The text by which a list names the daemon: the last two names of its path, or its port. */
const char *milter_mark(const char *socket, char *buf, size_t size);
/* Whether a milter is meant to be the daemon, reachable or not. */
bool milter_is_daemon(const struct milter *m, const char *socket);

/*
 * raw with the daemon first, once. ours: the member to put there. expanded: raw with its references
 * (`$name`) replaced. Other members stay as they are; a reference that names the daemon is written
 * out. A complete member (the endpoint of `ours`, any default_action and command_timeout) is kept,
 * for an admin may have tuned it. 0: nothing to change (ret gets raw), 1: changed, ERR_SYNTAX:
 * braces that do not close.
 */
int milter_list_join(const char *ours, const char *socket, const char *raw, const char *expanded,
    struct strbuf *ret, struct err *err) NODISCARD;
/* raw without the daemon: 1; 0: it was not in it (ret gets raw); ERR_SYNTAX. */
int milter_list_leave(
    const char *socket, const char *raw, struct strbuf *ret, struct err *err) NODISCARD;
