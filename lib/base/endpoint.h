/* SPDX-License-Identifier: ISC */
/* A listening address in libmilter's notation. */
#pragma once

#include <sys/un.h>

#include "base/err.h"

enum endpoint_kind {
	ENDPOINT_UNIX, /* unix:/path, local:/path, /path */
	ENDPOINT_INET, /* inet:port@host, inet6:port@host */
	ENDPOINT_FD,   /* fd:N, a socket that systemd opened */
};

struct endpoint {
	enum endpoint_kind kind;
	struct sockaddr_un address; /* UNIX only */
};

/* ERR_CONFIG with words: unknown kind, path relative or too long, no port. */
int endpoint_parse(const char *socket, struct endpoint *ret, struct err *err) NODISCARD;
/* Whether a living process has a stream socket there. Makes no connection that it would have to
 * accept. */
bool endpoint_is_heard(const struct sockaddr_un *address);
