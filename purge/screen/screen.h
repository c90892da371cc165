/* SPDX-License-Identifier: ISC */
/* The full-screen view: a loop over keys, the clock, and children that look or act. It runs as the
 * invoking user and changes nothing itself: the daemon counts, and verbs do everything else. */
#pragma once

#include "purge/session.h"

/* An exit status or a negative code. */
int screen_run(struct session *s, struct err *err) NODISCARD;
