/* SPDX-License-Identifier: ISC */
/* The two lists in main.cf through which Postfix reaches the daemon. We let postconf(1) edit a copy
 * of main.cf: in place, `postconf -e` would replace a symbolic link by a file, and set root's group
 * and mode 0644. */
#pragma once

#include "postfix/config/instance.h"

struct wiring_list {
	const char *name;            /* "smtpd_milters" */
	struct strbuf before, after; /* unexpanded, as one line; empty if main.cf does not set it */
};

#define WIRING_LISTS 2
struct wiring {
	struct wiring_list lists[WIRING_LISTS];
};

/* Edits copy/main.cf, which is a copy of p's main.cf. joins: puts the daemon first in both lists,
 * at an endpoint that every chroot reaches. Otherwise removes the daemon, and a list that becomes
 * empty. socket: the setting of pqpurge.conf. *ret: what changed.
 *
 * ERR_CONFIG if a chrooted service cannot reach the socket, if braces are unbalanced, or if
 * postconf failed (with its words). */
int wiring_edit(const struct postfix *p, const char *copy, const char *socket, bool joins,
    struct wiring *ret, struct err *err) NODISCARD;
void wiring_release(struct wiring *w);

/* Asks `postfix status`. Returns 1 it runs, 0 not, or a negative code with words: ERR_CONFIG if
 * Postfix rejects its main.cf. */
int wiring_postfix_runs(const struct postfix *p, struct err *err) NODISCARD;
/* Returns 1 reloaded, 0 Postfix does not run, or ERR_CHILD with words. */
int wiring_reload(const struct postfix *p, struct err *err) NODISCARD;
