/* SPDX-License-Identifier: ISC */
/* The full-screen view: a loop over keys, the clock, and children that look or act. It runs as
 * whoever asks and does nothing itself: counts come from the daemon, all else from verbs. */
#pragma once

#include "purge/session.h"

/* An exit status or a negative code. */
int screen_run(struct session *s, struct err *err) NODISCARD;
