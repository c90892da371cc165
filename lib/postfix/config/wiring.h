/* SPDX-License-Identifier: ISC */
/*
 * The two lists in main.cf through which Postfix finds the daemon. postconf(1) edits a copy of
 * main.cf: in place, `postconf -e` turns a symbolic link into a file, and sets root's group and
 * mode 0644.
 */
#pragma once

#include "postfix/config/instance.h"

struct wiring_list {
	const char *name;            /* "smtpd_milters" */
	struct strbuf before, after; /* not expanded, in one line; empty: there is none */
};

/* Zero-initialise. */
#define WIRING_LISTS 2
struct wiring {
	struct wiring_list lists[WIRING_LISTS];
};

/*
 * Edits copy/main.cf, a copy of p's. joins: puts the daemon first in both lists, at an endpoint
 * that every chroot sees; else removes it, and a list that becomes empty. socket: the settings'.
 * *ret: what changed. ERR_CONFIG: a chrooted service cannot reach the socket, braces do not close,
 * or postconf's words.
 */
int wiring_edit(const struct postfix *p, const char *copy, const char *socket, bool joins,
    struct wiring *ret, struct err *err) NODISCARD;
void wiring_release(struct wiring *w); /* zeroes */

/* `postfix status`: 1, 0, or a negative code with words; ERR_CONFIG: Postfix refuses its main.cf.
 */
int wiring_postfix_runs(const struct postfix *p, struct err *err) NODISCARD;
/* `postfix reload` if it runs: 1 reloaded, 0 it does not run; ERR_CHILD with words. */
int wiring_reload(const struct postfix *p, struct err *err) NODISCARD;
