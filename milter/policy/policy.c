/* SPDX-License-Identifier: ISC */
#include "milter/policy/policy.h"

#include <netdb.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/log.h"
#include "index/control/status.h"
#include "milter/listener.h"
#include "milter/policy/server.h"

#define BACKLOG 1024

struct policy {
	const struct settings *settings;
	struct endpoint endpoint;
	int fd; /* -1: the server's */
	bool listening;
	struct front *front;
	struct policy_server *server;
};

/* 0 or an errno. Closes *fd on failure. */
static int begin(int *fd, const struct sockaddr *address, socklen_t len)
{
	const int yes = 1;

	*fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return errno;
	if (address->sa_family != AF_UNIX)
		(void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(*fd, address, len) == 0 && listen(*fd, BACKLOG) == 0)
		return 0;
	int errnum = errno;
	io_close(fd);
	return errnum;
}

/* "inet:PORT@HOST"; without HOST, every address. */
static int listen_inet(const char *socket, int *ret_fd, struct err *err)
{
	bool six = str_starts(socket, "inet6:");
	const struct addrinfo hints = {.ai_family = six ? AF_INET6 : AF_INET,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	const char *port = strchr(socket, ':') + 1, *host = strchr(port, '@');
	struct addrinfo *found = NULL;
	char number[8];

	snprintf(number, sizeof(number), "%.*s", (int)strcspn(port, "@"), port);
	int code = getaddrinfo(host && host[1] ? host + 1 : NULL, number, &hints, &found);
	if (code)
		return err_set(err, ERR_CONFIG, "failed to open policy_socket '%s' (%s)", socket,
		    gai_strerror(code));
	int errnum = begin(ret_fd, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return errnum ? err_sys(err, errnum, "failed to open policy_socket '%s'", socket) : 0;
}

static int adopt_from_systemd(const char *socket, int *ret_fd, struct err *err)
{
	uint64_t number = 0;
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (str_parse_u64(strchr(socket, ':') + 1, 0, INT_MAX, &number) != 0 ||
	    getsockopt((int)number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 || !listens)
		return err_set(
		    err, ERR_CONFIG, "policy_socket '%s' is not a listening socket", socket);
	int fd = fcntl((int)number, F_DUPFD_CLOEXEC, 3);
	if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return err_sys(err, errno, "failed to use policy_socket '%s'", socket);
	*ret_fd = fd;
	return 0;
}

static int listen_at(void *arg, struct err *err)
{
	struct policy *p = arg;
	const char *socket = p->settings->policy_socket;

	if (p->endpoint.kind == ENDPOINT_INET)
		return listen_inet(socket, &p->fd, err);
	if (p->endpoint.kind == ENDPOINT_FD)
		return adopt_from_systemd(socket, &p->fd, err);
	unlink(p->endpoint.address.sun_path);
	int errnum = begin(
	    &p->fd, (const struct sockaddr *)&p->endpoint.address, sizeof(p->endpoint.address));
	return errnum ? err_sys(err, errnum, "failed to open policy_socket '%s'", socket) : 0;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	policy_remove_socket(p);
	io_close(&p->fd);
	policy_server_free(p->server);
	front_free(p->front);
	free(p);
}

int policy_open(
    const struct settings *settings, uid_t uid, gid_t group, struct policy **ret, struct err *err)
{
	*ret = NULL;
	if (!settings->policy_socket[0])
		return 0;
	struct policy *p = calloc(1, sizeof(*p));
	if (!p)
		return err_sys(err, ENOMEM, "failed to start the policy front");
	p->settings = settings;
	p->fd = -1;
	int code = endpoint_parse(settings->policy_socket, &p->endpoint, err);
	const struct listener_config config = {
	    .uid = uid,
	    .gid = group,
	    .mode = (mode_t)settings->socket_mode,
	    .open = listen_at,
	    .arg = p,
	};
	code = code ? code : listener_open(&p->endpoint, &config, err);
	p->listening = code == 0;
	if (code)
		policy_free(p);
	else
		*ret = p;
	return code;
}

int policy_start(struct policy *p, const struct glue_config *config, struct err *err)
{
	if (!p)
		return 0;
	p->front = front_new(config);
	if (!p->front)
		return err_sys(err, ENOMEM, "failed to start the policy front");
	int fd = p->fd;
	p->fd = -1;
	int code = policy_server_start(&p->server, fd, p->front, err);
	if (code == 0)
		log_info("policy socket %s", p->settings->policy_socket);
	return code;
}

void policy_remove_socket(struct policy *p)
{
	if (p && p->listening)
		listener_remove(&p->endpoint);
	if (p)
		p->listening = false;
}

bool policy_stop(struct policy *p, int64_t timeout)
{
	return !p || policy_server_stop(p->server, timeout);
}

void policy_status(struct policy *p, struct json *out)
{
	if (!p || !p->server)
		return;
	json_put_text(out, STATUS_POLICY_SOCKET, p->settings->policy_socket);
	policy_server_status(p->server, out);
	front_status(p->front, out);
}
