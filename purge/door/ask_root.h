/* SPDX-License-Identifier: ISC */
/* The command of somebody who is not root: root runs it, where root's configuration lets them. */
#pragma once

#include "purge/session.h"

/*
 * Sends the session's command line, parsed and not opened, through operator.sock, and writes what
 * comes back to stdout and stderr. Where purge without root would ask on a terminal, this shows a
 * dry run first, asks, and then sends the order. The exit status, or a negative code.
 */
int ask_root(struct session *s, struct err *err) NODISCARD;
