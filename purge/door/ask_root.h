/* SPDX-License-Identifier: ISC */
/* The command of a user who is not root. Root runs it if its configuration allows it. */
#pragma once

#include "purge/session.h"

/*
 * Sends the session's command line (parsed, not opened) through operator.sock, and writes the
 * answer to stdout and stderr. If the verb would ask on a terminal, this first shows root's dry run
 * and asks; then it sends the order. Returns an exit status, or a negative code with words.
 */
int ask_root(struct session *s, struct err *err) NODISCARD;
