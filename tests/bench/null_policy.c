/* SPDX-License-Identifier: ISC */
/* A policy service that lets everything pass: null_policy SOCKET. One thread; it searches requests
 * only for their end. */
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"

#define CLIENTS 1024

static const char answer[] = "action=DUNNO\n\n";

/* False: the client left. */
static bool serve(int fd)
{
	char text[65536];
	ssize_t got = read(fd, text, sizeof(text));

	if (got <= 0)
		return false;
	if (got < 2 || memcmp(text + got - 2, "\n\n", 2) != 0)
		return true;
	return write(fd, answer, sizeof(answer) - 1) == (ssize_t)sizeof(answer) - 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	static struct pollfd set[CLIENTS + 1];
	nfds_t count = 1;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	set[0] = (struct pollfd){.fd = socket(AF_UNIX, SOCK_STREAM, 0), .events = POLLIN};
	if (bind(set[0].fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(set[0].fd, 128) != 0)
		return 1;
	while (poll(set, count, -1) > 0) {
		for (nfds_t n = count - 1; n > 0; n--) {
			if (!set[n].revents || serve(set[n].fd))
				continue;
			close(set[n].fd);
			set[n] = set[--count];
		}
		if (set[0].revents && count <= CLIENTS)
			set[count++] =
			    (struct pollfd){.fd = accept(set[0].fd, NULL, NULL), .events = POLLIN};
	}
	return 0;
}
