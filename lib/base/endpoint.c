/* SPDX-License-Identifier: ISC */
#include "base/endpoint.h"

#include <sys/socket.h>

#include "base/io.h"
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

static bool is_number(const char *at, size_t len)
{
	char number[8];
	uint64_t ignored;

	snprintf(number, sizeof(number), "%.*s", (int)(len < sizeof(number) ? len : 0), at);
	return str_parse_u64(number, 0, 65535, &ignored) == 0;
}

int endpoint_parse(const char *socket, struct endpoint *ret, struct err *err)
{
	const char *colon = strchr(socket, ':'), *at = colon ? colon + 1 : socket;
	const char *wrong = "neither unix:/PATH, inet:PORT@HOST nor fd:N";
	struct endpoint found = {.kind = ENDPOINT_INET};

	if (socket[0] == '/')
		return parse_path(socket, socket, ret, err);
	if (str_starts(socket, "unix:") || str_starts(socket, "local:"))
		return parse_path(socket, at, ret, err);
	if (str_starts(socket, "inet:") || str_starts(socket, "inet6:")) {
		bool port = is_number(at, strcspn(at, "@")) && *at != '0';

		wrong = port ? NULL : "inet takes PORT@HOST, the port a number";
	} else if (str_starts(socket, "fd:")) {
		found.kind = ENDPOINT_FD;
		wrong = is_number(at, strlen(at)) ? NULL : "fd takes a number";
	}
	if (wrong)
		return err_set(err, ERR_CONFIG, "socket '%s': %s", socket, wrong);
	*ret = found;
	return 0;
}

/* A live socket of another type answers EPROTOTYPE, a dead one ECONNREFUSED (unix_find_other in
 * Linux). */
bool endpoint_is_heard(const struct sockaddr_un *address)
{
	AUTO(io_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	       errno == EPROTOTYPE;
}
