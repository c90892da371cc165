/* SPDX-License-Identifier: ISC */
/*
 * For every file: the C library's usual headers, attributes, and the list of banned functions.
 *
 * Conventions that other headers do not repeat: a struct without an init function begins as all
 * zero; x_release accepts a zeroed struct, x_free and x_close accept NULL.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NODISCARD          __attribute__((warn_unused_result))
#define FORMAT(at, values) __attribute__((format(printf, at, values)))
#define COUNT_OF(array)    (sizeof(array) / sizeof((array)[0]))

/* Before the declaration of a local: calls release(&local) on every way out of its block. So never
 * copy its struct to pass on what it owns. */
#define AUTO(release) __attribute__((cleanup(release)))

/* For AUTO: frees what a local points to, and a function elsewhere allocated. Of what is allocated
 * in place clang's analyzer, which does not know the attribute, would report a leak. */
static inline void free_local(void *local)
{
	void *at;

	memcpy(&at, local, sizeof(at));
	free(at);
}

/* Banned: functions that write without a bound, keep hidden state, run a shell, or compare by
 * locale. Use strbuf, snprintf, strtok_r, gmtime_r, execve, str_equal_nocase, str_starts_nocase.
 * The #undefs are for clang, because glibc's macros would hide some of them from it. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gmtime localtime ctime asctime system     \
    popen gets strcasecmp strncasecmp
