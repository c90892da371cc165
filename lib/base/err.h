/* SPDX-License-Identifier: ISC */
/* Errors. A function that can fail returns 0 or a negative code; a lookup returns 1 (found), 0 (not
 * found) or a negative code: -errno or one of those below. Where words help, the last parameter is
 * a `struct err *`: owned by the caller, touched only on failure, may be NULL. Libraries fill it
 * in; only programs print it. The text says what failed, on what, and why: "failed to open index
 * '/x' (Permission denied)". */
#pragma once

#include "base/base.h"

enum {
	ERR_USAGE = -1000, /* the command line makes no sense */
	ERR_CONFIG,        /* a settings or rules file is wrong */
	ERR_SYNTAX,        /* bytes that do not follow their grammar */
	ERR_NO_INDEX,      /* no index at that place */
	ERR_VERSION,       /* an index or peer of a newer version */
	ERR_FULL,          /* map full or disk full */
	ERR_DAMAGED,       /* stored bytes that are not what was stored */
	ERR_STALE,         /* the store was removed or replaced, or must be opened again */
	ERR_LOCKED,        /* another process is the writer */
	ERR_INSTANCE,      /* the index belongs to another Postfix instance */
	ERR_TIMEOUT,       /* a bounded wait ended */
	ERR_LIMIT,         /* a documented cap was passed */
	ERR_CHILD,         /* a child process died or lied */
	ERR_REFUSED,       /* the peer said no; its words are in the text */
	ERR_NO_DAEMON,     /* no daemon runs */
	ERR_STOPPED,       /* the user stopped it (SIGINT, SIGTERM) */
};

struct err {
	char text[512]; /* always terminated, control characters replaced */
};

/* Sets the text (cut to fit, scrubbed) and returns code. */
int err_set(struct err *err, int code, const char *format, ...) FORMAT(3, 4);
/* The same with " (strerror)" added; returns -errnum. */
int err_sys(struct err *err, int errnum, const char *format, ...) FORMAT(3, 4);
/* Puts "format: " before the text that is there; returns code. */
int err_within(struct err *err, int code, const char *format, ...) FORMAT(3, 4);
/* A few words for any code. Static. */
const char *err_word(int code);
