/* SPDX-License-Identifier: ISC */
#include "milter/control/control.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/log.h"
#include "index/control/serve.h"
#include "index/index.h"
#include "milter/flight.h"
#include "milter/listener.h"

#define BACKLOG     128
#define PATIENCE    (10 * USEC_PER_SEC)
#define SETTLE_STEP 5    /* milliseconds */
#define STOP_STEP   5000 /* microseconds */

struct peer {
	struct control *control;
	int fd; /* -1: free */
};

struct control {
	struct control_config config;
	pthread_t thread;
	struct sockaddr_un address;
	struct stat made; /* the socket's file as we made it */
	bool complained;
	int socket; /* -1: not made yet */
	int wakeup; /* eventfd: written when a place becomes free, and to stop */

	pthread_mutex_t lock;
	bool stop;
	unsigned at_work;
	struct peer peers[CONTROL_PEERS_MAX];
};

static void wake(struct control *c)
{
	(void)!write(c->wakeup, &(uint64_t){1}, sizeof(uint64_t));
}

static int listen_at(struct control *c)
{
	if (endpoint_is_heard(&c->address)) /* it is another daemon's */
		return -EADDRINUSE;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(c->address.sun_path);
	if (bind(fd, (struct sockaddr *)&c->address, sizeof(c->address)) != 0 ||
	    chmod(c->address.sun_path, 0600) != 0 || listen(fd, BACKLOG) != 0 ||
	    lstat(c->address.sun_path, &c->made) != 0) {
		int code = -errno;

		close(fd);
		return code;
	}
	c->socket = fd;
	return 0;
}

static bool is_ours(const struct control *c)
{
	struct stat st;

	return c->socket >= 0 && lstat(c->address.sun_path, &st) == 0 &&
	       st.st_dev == c->made.st_dev && st.st_ino == c->made.st_ino;
}

static void keep_socket(struct control *c)
{
	if (is_ours(c))
		return;
	io_close(&c->socket);
	int code = listen_at(c);
	if (code && !c->complained)
		log_warning("failed to make '%s' (%s), trying again each second",
		    c->address.sun_path, strerror(-code));
	c->complained = code != 0;
}

static void remove_socket(struct control *c)
{
	if (is_ours(c))
		unlink(c->address.sun_path);
	io_close(&c->socket);
}

static int settle(int fd)
{
	struct pollfd hangup = {.fd = fd};
	unsigned mark = flight_mark();

	while (!flight_is_over(mark))
		if (poll(&hangup, 1, SETTLE_STEP) > 0)
			return -EPIPE;
	return 0;
}

static bool take_place(struct control *c)
{
	LOCKED(&c->lock);
	bool room = c->at_work < CONTROL_AT_WORK_MAX;
	c->at_work += room;
	return room;
}

static int say_working(int fd)
{
	struct json *line = json_new();

	json_put_bool(line, "working", true);
	return wire_send(fd, line, -1, 0);
}

static int work(struct control *c, int fd, struct control_work *w)
{
	int code = 0;

	if (!take_place(c)) {
		w->answer = serve_error(ERR_LIMIT, "too much is at work already");
		return 0;
	}
	if (serve_is_mine(w->request))
		code = say_working(fd);
	if (code == 0)
		c->config.work(c->config.arg, w);
	UNDER(&c->lock, c->at_work--);
	return code;
}

static int answer(struct control *c, int fd, struct control_work *w)
{
	const char *what = json_text(w->request, "do");
	int code = 0;

	if (what && strcmp(what, "status") == 0) {
		w->answer = serve_ok();
		c->config.status(c->config.arg, w->answer);
	} else if (what && strcmp(what, "settle") == 0) {
		code = settle(fd);
		w->answer = serve_ok();
	} else {
		code = work(c, fd, w);
	}
	if (code == 0) {
		code = wire_send(fd, w->answer, w->file, 0);
		w->answer = NULL;
	}
	if (code == ERR_LIMIT)
		code = wire_send(fd, serve_error(code, "the answer does not fit a line"), -1, 0);
	return code;
}

/* A negative code: drop the client. */
static int serve_one(struct control *c, struct wire *wire)
{
	struct control_work w = {.body = -1, .file = -1};
	struct err err = {{0}};
	int code = wire_receive(wire, &w.request, &w.body, clock_steady() + PATIENCE, &err);

	if (code == ERR_SYNTAX)
		return wire_send(wire->socket, serve_error(code, err.text), -1, 0);
	if (code <= 0)
		return code < 0 ? code : -EPIPE;
	code = answer(c, wire->socket, &w);
	json_free(w.request);
	json_free(w.answer);
	io_close(&w.body);
	io_close(&w.file);
	return code;
}

static void *peer_main(void *arg)
{
	struct peer *p = arg;
	struct control *c = p->control;
	struct wire wire;

	wire_init(&wire, p->fd);
	while (serve_one(c, &wire) == 0)
		continue;
	wire_release(&wire);
	LOCKED(&c->lock);
	io_close(&p->fd);
	wake(c); /* with the lock held, or control_stop might free the server before this */
	return NULL;
}

static bool is_allowed(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

/* NULL: none. Only control_main takes one. */
static struct peer *free_place(struct control *c)
{
	struct peer *place = NULL;

	LOCKED(&c->lock);
	for (size_t i = 0; !place && i < CONTROL_PEERS_MAX; i++)
		if (c->peers[i].fd < 0)
			place = &c->peers[i];
	return place;
}

static void let_in(struct control *c, struct peer *p)
{
	int fd = accept4(c->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	pthread_t thread;

	if (fd < 0)
		return;
	if (!is_allowed(fd)) {
		close(fd);
		return;
	}
	UNDER(&c->lock, *p = (struct peer){.control = c, .fd = fd});
	if (pthread_create(&thread, NULL, peer_main, p) == 0)
		pthread_detach(thread);
	else
		io_close(&p->fd);
}

static void *control_main(void *arg)
{
	struct control *c = arg;
	uint64_t ignored;

	while (!UNDER(&c->lock, c->stop)) {
		struct peer *place = free_place(c);

		keep_socket(c);
		struct pollfd set[] = {{.fd = c->wakeup, .events = POLLIN},
		    {.fd = place ? c->socket : -1, .events = POLLIN}};
		if (poll(set, COUNT_OF(set), 1000) <= 0)
			continue;
		if (set[0].revents)
			(void)!read(c->wakeup, &ignored, sizeof(ignored));
		if (place && set[1].revents)
			let_in(c, place);
	}
	return NULL;
}

static void control_free(struct control *c)
{
	remove_socket(c);
	io_close(&c->wakeup);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int init(struct control *c, const struct control_config *config, struct err *err)
{
	size_t size = sizeof(c->address.sun_path);

	c->config = *config;
	c->socket = c->wakeup = -1;
	c->address.sun_family = AF_UNIX;
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
		c->peers[i].fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	if ((size_t)snprintf(c->address.sun_path, size, "%s/" INDEX_SOCKET, config->directory) >=
	    size)
		return err_set(err, ERR_CONFIG,
		    "index_directory '%s' is too long for the socket in it", config->directory);
	c->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wakeup < 0)
		return err_sys(err, errno, "failed to start the control server");
	keep_socket(c);
	int errnum = pthread_create(&c->thread, NULL, control_main, c);
	return errnum ? err_sys(err, errnum, "failed to start the control server") : 0;
}

int control_start(struct control **ret, const struct control_config *config, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		return err_sys(err, ENOMEM, "failed to start the control server");
	int code = init(c, config, err);
	if (code)
		control_free(c);
	else
		*ret = c;
	return code;
}

/* Ends the waits for requests. True if no client is left. */
static bool hang_up(struct control *c)
{
	bool left = false;

	LOCKED(&c->lock);
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		if (c->peers[i].fd < 0)
			continue;
		shutdown(c->peers[i].fd, SHUT_RD);
		left = true;
	}
	return !left;
}

bool control_stop(struct control *c, int64_t timeout)
{
	int64_t until = clock_steady() + timeout;
	struct timespec step = {.tv_nsec = STOP_STEP * 1000};

	if (!c)
		return true;
	UNDER(&c->lock, c->stop = true);
	wake(c);
	pthread_join(c->thread, NULL);
	remove_socket(c);
	while (!hang_up(c)) {
		if (clock_steady() >= until)
			return false;
		nanosleep(&step, NULL);
	}
	control_free(c);
	return true;
}
