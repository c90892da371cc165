/* SPDX-License-Identifier: ISC */
/* libmilter's notation of a socket, taken apart. */
#include "base/endpoint.h"

#include <sys/socket.h>

#include "base/str.h"

static int parse_path(const char *socket, const char *path, struct endpoint *ret, struct err *err)
{
	size_t len = strlen(path);

	if (path[0] != '/')
		return err_set(err, ERR_CONFIG, "socket '%s': the path must be absolute", socket);
	if (len >= sizeof(ret->address.sun_path))
		return err_set(err, ERR_CONFIG,
		    "socket '%s': the path is %zu bytes long, at most %zu are possible", socket,
		    len, sizeof(ret->address.sun_path) - 1);
	*ret = (struct endpoint){.kind = ENDPOINT_UNIX, .address = {.sun_family = AF_UNIX}};
	memcpy(ret->address.sun_path, path, len + 1);
	return 0;
}

static int parse_port(const char *socket, const char *at, struct endpoint *ret, struct err *err)
{
	char port[8];
	size_t len = strcspn(at, "@");
	uint64_t number;

	snprintf(port, sizeof(port), "%.*s", (int)(len < sizeof(port) ? len : 0), at);
	if (str_parse_u64(port, 1, 65535, &number) != 0)
		return err_set(err, ERR_CONFIG,
		    "socket '%s': inet takes PORT@HOST, the port a number", socket);
	*ret = (struct endpoint){.kind = ENDPOINT_INET};
	return 0;
}

static int parse_fd(const char *socket, const char *at, struct endpoint *ret, struct err *err)
{
	uint64_t number;

	if (str_parse_u64(at, 0, 65535, &number) != 0)
		return err_set(err, ERR_CONFIG, "socket '%s': fd takes a number", socket);
	*ret = (struct endpoint){.kind = ENDPOINT_FD};
	return 0;
}

int endpoint_parse(const char *socket, struct endpoint *ret, struct err *err)
{
	static const struct {
		const char *prefix;
		int (*parse)(
		    const char *socket, const char *at, struct endpoint *ret, struct err *err);
	} kinds[] = {
	    {"unix:", parse_path},
	    {"local:", parse_path},
	    {"inet:", parse_port},
	    {"inet6:", parse_port},
	    {"fd:", parse_fd},
	    {"/", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (!str_starts(socket, kinds[i].prefix))
			continue;
		if (!kinds[i].parse)
			return parse_path(socket, socket, ret, err);
		return kinds[i].parse(socket, socket + strlen(kinds[i].prefix), ret, err);
	}
	return err_set(
	    err, ERR_CONFIG, "socket '%s': neither unix:/PATH, inet:PORT@HOST nor fd:N", socket);
}
