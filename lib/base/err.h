/* SPDX-License-Identifier: ISC */
/*
 * Errors. A function that can fail returns 0 or a negative code. A lookup returns 1 (found), 0 (not
 * found) or a negative code. A code is -errno or one of those below. Out of memory is -ENOMEM, or
 * NULL from a function that makes an object; headers do not repeat that.
 *
 * If words help, the last parameter is a `struct err *`. The caller owns it; it is written only on
 * failure, and may be NULL. Libraries fill it in; only programs print it. The text says what
 * failed, on what, and why: "failed to open index '/x' (Permission denied)".
 */
#pragma once

#include "base/base.h"

enum {
	ERR_USAGE = -1000, /* the command line is wrong */
	ERR_CONFIG,        /* a settings or rules file is wrong */
	ERR_SYNTAX,        /* bytes do not follow their grammar */
	ERR_NO_INDEX,
	ERR_VERSION,  /* an index or peer of a newer version */
	ERR_FULL,     /* the map or the disk is full */
	ERR_DAMAGED,  /* stored bytes have changed */
	ERR_MODE,     /* a file's mode says that it is not to be used */
	ERR_STALE,    /* the store was removed or replaced, or must be opened again */
	ERR_LOCKED,   /* another process writes */
	ERR_INSTANCE, /* the index belongs to another Postfix instance */
	ERR_TIMEOUT,  /* a wait reached its limit */
	ERR_LIMIT,    /* a documented cap was exceeded */
	ERR_CHILD,    /* a child process died, or its output is wrong */
	ERR_REFUSED,  /* the peer refused; its words are in the text */
	ERR_NO_DAEMON,
	ERR_STOPPED, /* the user stopped it (SIGINT, SIGTERM) */
};

struct err {
	char text[512]; /* terminated; control characters are replaced */
};

/* Sets the text, cut to fit and scrubbed. Returns code. */
int err_set(struct err *err, int code, const char *format, ...) FORMAT(3, 4);
/* Like err_set, with " (strerror)" added. Returns -errnum. */
int err_sys(struct err *err, int errnum, const char *format, ...) FORMAT(3, 4);
/* Puts "format: " before the present text. Returns code. */
int err_within(struct err *err, int code, const char *format, ...) FORMAT(3, 4);
/* A few words about any code; a static string. */
const char *err_word(int code);
