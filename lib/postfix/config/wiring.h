/* SPDX-License-Identifier: ISC */
/*
 * The two lists in main.cf through which Postfix finds the daemon. They are edited by postconf(1),
 * in a copy of main.cf: `postconf -e` in place turns a symbolic link into a file, and gives main.cf
 * root's group and mode 0644, whatever it had before.
 */
#ifndef PQPURGE_POSTFIX_WIRING_H
#define PQPURGE_POSTFIX_WIRING_H

#include "postfix/config/instance.h"

struct wiring_list {
	const char *name; /* "smtpd_milters" */
	/* As it is written in main.cf, not expanded, in one line; empty where there is none. */
	struct strbuf before, after;
};

/* Zero-initialise. */
#define WIRING_LISTS 2
struct wiring {
	struct wiring_list lists[WIRING_LISTS];
};

/*
 * Edits copy/main.cf, a copy of the one of p: joins puts the daemon first in both lists, at the
 * endpoint that every chroot sees; else it goes from both, and a list that would be empty with it.
 * socket: the settings' own. Tells in *ret what changed. ERR_CONFIG: a chrooted service cannot
 * reach the socket, braces do not close, or what postconf said.
 */
int wiring_edit(const struct postfix *p, const char *copy, const char *socket, bool joins,
    struct wiring *ret, struct err *err) NODISCARD;
void wiring_release(struct wiring *w); /* zeroes */

/* Whether Postfix runs, by `postfix status`: 1, 0, or a negative code with words. */
int wiring_postfix_runs(const struct postfix *p, struct err *err) NODISCARD;
/* `postfix reload`, where it runs: 1 reloaded, 0 it does not run; ERR_CHILD with words. */
int wiring_reload(const struct postfix *p, struct err *err) NODISCARD;

#endif
