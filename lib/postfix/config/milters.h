/* SPDX-License-Identifier: ISC */
/*
 * Lists in main.cf whose members may stand in braces: the milters of smtpd_milters,
 * `{ unix:/x, default_action=accept }` among them, and tables such as header_checks'.
 */
#ifndef PQPURGE_POSTFIX_MILTERS_H
#define PQPURGE_POSTFIX_MILTERS_H

#include "base/bytes.h"

/* The next member of a list at *at, braces and all: 1 or 0 at the end. *at starts at the value. */
int brace_list_next(const char **at, struct span *ret);

#define MILTER_TEXT_MAX 256

struct milter {
	struct span text;               /* as it stands in the list */
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

#endif
