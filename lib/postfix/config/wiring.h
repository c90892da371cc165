/* SPDX-License-Identifier: ISC */
/*
 * The two lines of main.cf through which Postfix finds the daemon: what they say, what they should
 * say, and writing them, by postconf(1).
 */
#ifndef PQPURGE_POSTFIX_WIRING_H
#define PQPURGE_POSTFIX_WIRING_H

#include "postfix/config/instance.h"

struct wiring_list {
	const char *name; /* "smtpd_milters" */
	/* Whether the line stands in main.cf, now and afterwards. */
	bool was_set, will_be_set;
	struct strbuf before, after; /* as it is written there, not expanded, in one line */
};

/* Zero-initialise. */
#define WIRING_LISTS 2
struct wiring {
	struct wiring_list lists[WIRING_LISTS];
};

/*
 * Plans the daemon first in both lists, at the endpoint that every chroot sees. socket: the
 * settings' own. ERR_CONFIG: a chrooted service cannot reach the socket; main.cf cannot be read;
 * braces that do not close.
 */
int wiring_join(
    const struct postfix *p, const char *socket, struct wiring *ret, struct err *err) NODISCARD;
/* Plans both lists without the daemon; a line that would be empty is taken away. */
int wiring_leave(
    const struct postfix *p, const char *socket, struct wiring *ret, struct err *err) NODISCARD;
void wiring_release(struct wiring *w); /* zeroes */

bool wiring_list_changes(const struct wiring_list *list);
bool wiring_changes(const struct wiring *w);

/* Writes what changes. ERR_CONFIG with what postconf said. */
int wiring_write(const struct postfix *p, const struct wiring *w, struct err *err) NODISCARD;
/* Whether Postfix runs, by `postfix status`: 1, 0, or a negative code with words. */
int wiring_postfix_runs(const struct postfix *p, struct err *err) NODISCARD;
/* `postfix reload`, where it runs: 1 reloaded, 0 it does not run; ERR_CHILD with words. */
int wiring_reload(const struct postfix *p, struct err *err) NODISCARD;

#endif
