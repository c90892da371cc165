/* SPDX-License-Identifier: ISC */
/* order --listen. */
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/io.h"
#include "base/log.h"
#include "base/role.h"
#include "door/door.h"
#include "purge/door/serve.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"

#define SOCKETS   2
#define STEP_MS   200 /* between checks for ended children */
#define STOP_TIME (10 * USEC_PER_SEC)
#define BACKLOG   64

struct listener {
	struct sockaddr_un address;
	int fd; /* -1: not opened */
	struct child {
		pid_t pid; /* 0: free */
		int64_t deadline;
		bool told; /* asked to stop */
	} children[LISTEN_ORDERS_MAX];
};
struct listening {
	struct session *s;
	struct listener sockets[SOCKETS];
};

/* Only root writes there, so nobody can replace a name meanwhile. */
static int make_directory(const char *directory, struct err *err)
{
	if (mkdir(directory, 0755) == 0 && chmod(directory, 0755) < 0)
		return err_sys(err, errno, "failed to make '%s'", directory);
	return io_check_roots(directory, err);
}

static int open_socket(
    struct listener *l, const char *directory, const char *name, gid_t group, struct err *err)
{
	struct sockaddr_un *a = &l->address;

	a->sun_family = AF_UNIX;
	if (snprintf(a->sun_path, sizeof(a->sun_path), "%s/%s", directory, name) >=
	    (int)sizeof(a->sun_path))
		return err_set(err, ERR_CONFIG,
		    "the name '%s' is too long for the directory of a socket", directory);
	if (endpoint_is_heard(a))
		return err_set(err, ERR_LOCKED, "another process listens on '%s'", a->sun_path);
	(void)!unlink(a->sun_path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	umask(0177);
	if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ||
	    lchown(a->sun_path, 0, group) < 0 || chmod(a->sun_path, 0660) < 0 ||
	    listen(l->fd, BACKLOG) < 0)
		return err_sys(err, errno, "failed to listen on '%s'", a->sun_path);
	umask(077);
	return 0;
}

/* DOOR_GROUP, or the group of the daemon's user if the installation did not make DOOR_GROUP. */
static int daemon_group(const struct settings *s, gid_t *ret, struct err *err)
{
	const struct group *group = getgrnam(DOOR_GROUP);
	struct role role = {0};
	int code = group ? 0 : role_of_user(s->user, &role, err);

	*ret = group ? group->gr_gid : role.gid;
	return code;
}

static int open_sockets(struct listening *l, struct err *err)
{
	const struct settings *s = &l->s->settings;
	gid_t group = 0;
	int code = make_directory(s->order_directory, err);

	code = code ?: daemon_group(s, &group, err);
	if (code == 0)
		code =
		    open_socket(&l->sockets[0], s->order_directory, DOOR_DAEMON_SOCKET, group, err);
	const struct group *operators = getgrnam(s->operator_group);
	if (code == 0 && operators)
		code = open_socket(&l->sockets[1], s->order_directory, DOOR_OPERATOR_SOCKET,
		    operators->gr_gid, err);
	return code;
}

int serve_grant(const struct settings *s, struct err *err)
{
	const struct group *operators = getgrnam(s->operator_group);
	char path[PATH_MAX];

	int code = io_check_roots(s->order_directory, err);

	if (code < 0)
		return code;
	snprintf(path, sizeof(path), "%s/" DOOR_OPERATOR_SOCKET, s->order_directory);
	if (lchown(path, 0, operators ? operators->gr_gid : 0) < 0 || chmod(path, 0660) < 0)
		return err_sys(err, errno, "failed to change the owner of '%s'", path);
	return 0;
}

static struct child *free_place(struct listener *l)
{
	for (size_t n = 0; n < LISTEN_ORDERS_MAX; n++)
		if (l->children[n].pid == 0)
			return &l->children[n];
	return NULL;
}

/* For each order, as each process of systemd would. */
static int read_settings(struct session *s)
{
	struct settings fresh;
	struct err err = {{0}};

	if (settings_load(session_config(s), &fresh, &err) < 0) {
		log_error("order: %s", err.text);
		return EXIT_CANNOT;
	}
	settings_release(&s->settings);
	s->settings = fresh;
	return EXIT_DONE;
}

_Noreturn static void work(struct listening *l, int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (read_settings(l->s) != EXIT_DONE)
		_exit(EXIT_CANNOT);
	for (size_t n = 0; n < SOCKETS; n++)
		io_close(&l->sockets[n].fd);
	_exit(serve_order(l->s, fd));
}

static void accept_one(struct listening *l, struct listener *socket)
{
	int fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC);
	struct child *child = free_place(socket);

	if (fd < 0 || !child)
		return;
	child->pid = fork();
	if (child->pid == 0)
		work(l, fd);
	if (child->pid < 0) {
		log_warning("order: failed to start a process (%s)", strerror(errno));
		child->pid = 0;
	}
	child->deadline = clock_steady() + LISTEN_ORDER_TIME;
	child->told = false;
	close(fd);
}

/* Reaps children that ended, and asks others to stop when their time is up. True while a child is
 * left. */
static bool look_after(struct listener *l, bool stop)
{
	bool left = false;

	for (size_t n = 0; n < LISTEN_ORDERS_MAX; n++) {
		struct child *c = &l->children[n];

		if (c->pid > 0 && waitpid(c->pid, NULL, WNOHANG) == c->pid)
			c->pid = 0;
		if (c->pid > 0 && !c->told && (stop || clock_steady() > c->deadline)) {
			kill(c->pid, SIGTERM);
			c->told = true;
		}
		left |= c->pid > 0;
	}
	return left;
}

static void serve_all(struct listening *l)
{
	while (!interrupt_stop) {
		struct pollfd fds[SOCKETS];

		for (size_t n = 0; n < SOCKETS; n++) {
			struct listener *s = &l->sockets[n];

			look_after(s, false);
			fds[n] = (struct pollfd){free_place(s) ? s->fd : -1, POLLIN, 0};
		}
		if (poll(fds, SOCKETS, STEP_MS) <= 0)
			continue;
		for (size_t n = 0; n < SOCKETS; n++)
			if (fds[n].revents)
				accept_one(l, &l->sockets[n]);
	}
}

static void close_all(struct listening *l)
{
	int64_t deadline = clock_steady() + STOP_TIME;
	bool left = true;

	for (size_t n = 0; n < SOCKETS; n++) {
		if (l->sockets[n].fd >= 0)
			unlink(l->sockets[n].address.sun_path);
		io_close(&l->sockets[n].fd);
	}
	while (left && clock_steady() < deadline) {
		left = false;
		for (size_t n = 0; n < SOCKETS; n++)
			left |= look_after(&l->sockets[n], true);
		if (left)
			poll(NULL, 0, STEP_MS);
	}
}

int serve_listen(struct session *s, struct err *err)
{
	struct listening l = {.s = s, .sockets = {{.fd = -1}, {.fd = -1}}};
	int code = open_sockets(&l, err);

	if (code == 0) {
		say(stdout, "Listening in %s.\n", s->settings.order_directory);
		fflush(stdout);
		serve_all(&l);
	}
	close_all(&l);
	return code < 0 ? code : EXIT_DONE;
}
