/* SPDX-License-Identifier: ISC */
/* The control server's thread: a poll loop over a signal, the writer's answers, the socket, and its
 * peers. */
#include "milter/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "milter/flight.h"
#include "milter/peer.h"

#define SETTLE_STEP 5000 /* microseconds between looks whether it is over */

/* One request at the writer. It outlives its peer. */
struct call {
	struct call *next;
	struct control *control;
	uint64_t peer;
	struct bytes reply;
};

struct control {
	struct control_config config;
	pthread_t thread;
	struct sockaddr_un address;
	int listener;
	dev_t dev; /* of the socket as we made it */
	ino_t ino;
	bool complained;
	int signals, wakeup;
	struct peer peers[CONTROL_PEERS_MAX];
	uint64_t next_number;
	int64_t next_second;

	pthread_mutex_t lock;
	bool stop;
	struct call *answers;
};

static void wake(struct control *c)
{
	(void)!write(c->wakeup, &(uint64_t){1}, sizeof(uint64_t));
}

/* ---- the socket */

static int listen_at(struct control *c)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	unlink(c->address.sun_path); /* a dead daemon's: the lock says that no other one lives */
	if (bind(fd, (struct sockaddr *)&c->address, sizeof(c->address)) != 0 ||
	    chmod(c->address.sun_path, 0600) != 0 || listen(fd, CONTROL_PEERS_MAX) != 0 ||
	    lstat(c->address.sun_path, &st) != 0) {
		int code = -errno;

		close(fd);
		return code;
	}
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	c->listener = fd;
	return 0;
}

static bool socket_is_ours(const struct control *c)
{
	struct stat st;

	return c->listener >= 0 && lstat(c->address.sun_path, &st) == 0 && st.st_dev == c->dev &&
	       st.st_ino == c->ino;
}

/* Makes the socket anew where it was removed, perhaps with its whole directory. */
static void keep_socket(struct control *c)
{
	if (socket_is_ours(c))
		return;
	io_close(&c->listener);
	int code = listen_at(c);
	if (code && !c->complained)
		log_warning("failed to make '%s' (%s), trying again each second",
		    c->address.sun_path, strerror(-code));
	c->complained = code != 0;
}

static void accept_peer(struct control *c)
{
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		if (c->peers[i].fd >= 0)
			continue;
		int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (peer_allowed(fd))
			peer_open(&c->peers[i], fd, ++c->next_number);
		else
			close(fd);
		return;
	}
}

/* ---- requests */

/* The writer's thread calls this. */
static void answered(void *arg, struct span reply)
{
	struct call *call = arg;
	struct control *c = call->control;

	bytes_put(&call->reply, reply.at, reply.len);
	pthread_mutex_lock(&c->lock);
	call->next = c->answers;
	c->answers = call;
	pthread_mutex_unlock(&c->lock);
	wake(c);
}

static void answer_now(struct peer *p, const struct reply *reply)
{
	struct bytes frame = {0};

	reply_encode(reply, &frame);
	peer_answer(p, bytes_span(&frame));
	bytes_release(&frame);
}

static void answer_status(struct control *c, struct peer *p)
{
	struct strbuf text = {0};

	c->config.status(c->config.arg, &text);
	answer_now(p, &(struct reply){.text = "", .status = strbuf_text(&text), .saved = true});
	strbuf_release(&text);
}

static void pass_on(struct control *c, struct peer *p, struct span request)
{
	struct call *call = calloc(1, sizeof(*call));
	int code = -ENOMEM;

	if (call) {
		*call = (struct call){.control = c, .peer = p->number};
		code = writer_request(c->config.writer, request, answered, call);
	}
	if (code) {
		free(call);
		answer_now(p, &(struct reply){.code = code, .text = err_word(code), .status = ""});
	}
}

static void take_request(struct control *c, struct peer *p, struct span request)
{
	switch (request_kind_of(request)) {
	case REQUEST_STATUS:
		answer_status(c, p);
		break;
	case REQUEST_SETTLE:
		p->request = request;
		p->mark = flight_mark();
		p->settling = true;
		break;
	default:
		pass_on(c, p, request);
	}
}

/* Passes on what waited for the end of what was in flight; true if any waits still. */
static bool settle(struct control *c)
{
	bool wait = false;

	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *p = &c->peers[i];

		if (p->fd < 0 || !p->settling)
			continue;
		p->settling = !flight_is_over(p->mark);
		wait |= p->settling;
		if (!p->settling)
			pass_on(c, p, p->request);
	}
	return wait;
}

static void handle_peer(struct control *c, struct peer *p, short events)
{
	struct span request;
	int code = 0;

	if (p->state == PEER_READING) {
		code = peer_read(p, &request);
		if (code > 0)
			take_request(c, p, request);
	} else if (p->state == PEER_WRITING) {
		code = peer_write(p);
	} else if (events & (POLLHUP | POLLERR)) {
		code = -EPIPE; /* gone before its answer; what it asked is done all the same */
	}
	if (code < 0)
		peer_close(p);
}

static void deliver(struct control *c, const struct call *call)
{
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *p = &c->peers[i];

		if (p->fd >= 0 && p->number == call->peer && !call->reply.failed)
			peer_answer(p, bytes_span(&call->reply));
	}
}

/* Returns whether the thread shall end. */
static bool take_answers(struct control *c)
{
	uint64_t ignored;

	(void)!read(c->wakeup, &ignored, sizeof(ignored));
	pthread_mutex_lock(&c->lock);
	struct call *calls = c->answers;
	bool stop = c->stop;
	c->answers = NULL;
	pthread_mutex_unlock(&c->lock);
	for (struct call *next; calls; calls = next) {
		next = calls->next;
		deliver(c, calls);
		bytes_release(&calls->reply);
		free(calls);
	}
	return stop;
}

/* ---- the loop */

static void each_second(struct control *c, int64_t now)
{
	c->next_second = now + USEC_PER_SEC;
	keep_socket(c);
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *p = &c->peers[i];

		if (p->fd >= 0 && p->state != PEER_WAITING && now > p->deadline)
			peer_close(p);
	}
	c->config.each_second(c->config.arg);
}

static void take_signals(struct control *c)
{
	struct signalfd_siginfo info;

	while (read(c->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		c->config.reload(c->config.arg);
}

/* Fills the set to poll: signals, wakeup, listener, then a place for each peer. A negative
 * descriptor is skipped by poll. */
static void fill(const struct control *c, struct pollfd set[3 + CONTROL_PEERS_MAX])
{
	bool room = false;

	set[0] = (struct pollfd){.fd = c->signals, .events = POLLIN};
	set[1] = (struct pollfd){.fd = c->wakeup, .events = POLLIN};
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		const struct peer *p = &c->peers[i];

		set[3 + i] = (struct pollfd){.fd = p->fd, .events = p->fd < 0 ? 0 : peer_events(p)};
		room |= p->fd < 0;
	}
	set[2] = (struct pollfd){.fd = room ? c->listener : -1, .events = POLLIN};
}

static void *control_main(void *arg)
{
	struct control *c = arg;
	struct pollfd set[3 + CONTROL_PEERS_MAX];

	for (;;) {
		int64_t now = clock_steady();

		if (now >= c->next_second)
			each_second(c, now);
		bool settling = settle(c);
		fill(c, set);
		int64_t wait = c->next_second - clock_steady();
		if (settling && wait > SETTLE_STEP)
			wait = SETTLE_STEP;
		if (poll(set, COUNT_OF(set), wait > 0 ? (int)(wait / 1000 + 1) : 0) <= 0)
			continue;
		if (set[0].revents)
			take_signals(c);
		for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
			if (set[3 + i].revents)
				handle_peer(c, &c->peers[i], set[3 + i].revents);
		if (set[1].revents && take_answers(c))
			break;
		if (set[2].revents)
			accept_peer(c);
	}
	return NULL;
}

static int open_descriptors(struct control *c)
{
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	c->signals = signalfd(-1, &usr1, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signals < 0)
		return -errno;
	c->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->wakeup < 0 ? -errno : 0;
}

int control_start(struct control **ret, const struct control_config *config, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	int code = -ENOMEM;

	if (!c)
		goto out;
	c->config = *config;
	c->listener = c->signals = c->wakeup = -1;
	c->address.sun_family = AF_UNIX;
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
		c->peers[i].fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	if ((size_t)snprintf(c->address.sun_path, sizeof(c->address.sun_path), "%s/%s",
		config->directory, HOME_CONTROL_SOCKET) >= sizeof(c->address.sun_path)) {
		control_free(c);
		return err_set(err, ERR_CONFIG,
		    "index_directory '%s' is too long for the socket in it", config->directory);
	}
	code = open_descriptors(c);
	if (code)
		goto out;
	keep_socket(c);
	c->next_second = clock_steady() + USEC_PER_SEC;
	code = -pthread_create(&c->thread, NULL, control_main, c);
	if (code)
		goto out;
	*ret = c;
	return 0;
out:
	control_free(c);
	return err_sys(err, -code, "failed to start the control server");
}

void control_stop(struct control *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_mutex_unlock(&c->lock);
	wake(c);
	pthread_join(c->thread, NULL);
	if (socket_is_ours(c))
		unlink(c->address.sun_path);
	io_close(&c->listener);
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
		peer_close(&c->peers[i]);
}

void control_free(struct control *c)
{
	if (!c)
		return;
	take_answers(c);
	io_close(&c->listener);
	io_close(&c->signals);
	io_close(&c->wakeup);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
