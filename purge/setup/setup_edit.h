/* SPDX-License-Identifier: ISC */
/*
 * main.cf, edited by postconf(1) in a copy. postconf -e in place makes a file of a link, and gives
 * every main.cf root's group and mode 0644, whatever it was before and whoever was not to read it.
 */
#ifndef PQPURGE_PURGE_SETUP_EDIT_H
#define PQPURGE_PURGE_SETUP_EDIT_H

#include "postfix/config/wiring.h"

/*
 * Writes what w changes into main_cf, which is p's. The file stays what it is, but for its text,
 * and is whole at any time. Errors are wiring_write's and those of files.
 */
int setup_edit(const struct postfix *p, const char *main_cf, const struct wiring *w,
    struct err *err) NODISCARD;

#endif
