/* SPDX-License-Identifier: ISC */
/* A user without root sends a command to root through the order door. */
#pragma once

#include "purge/session.h"

/* Sends the session's command line (parsed, not opened) through operator.sock, and writes the
 * answer to stdout and stderr. If the verb would ask on a terminal, shows root's dry run and asks
 * first. Returns an exit status, or a negative code with words. */
int ask_root(struct session *s, struct err *err) NODISCARD;
