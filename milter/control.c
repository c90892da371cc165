/* SPDX-License-Identifier: ISC */
/* The control server's thread: a poll loop over finished errands, the socket, and its peers. */
#include "milter/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "index/serve.h"
#include "milter/control_socket.h"
#include "milter/flight.h"
#include "milter/peer.h"

#define SETTLE_STEP 5000 /* microseconds between looks whether it is over */
#define STOP_STEP   5000

struct control {
	struct control_config config;
	pthread_t thread;
	struct control_socket socket;
	int wakeup;
	struct peer peers[CONTROL_PEERS_MAX];
	uint64_t next_number;
	int64_t next_second;

	pthread_mutex_t lock;
	bool stop;
	unsigned at_work;    /* errands */
	struct errand *done; /* errands with their answers */
};

static void wake(struct control *c)
{
	(void)!write(c->wakeup, &(uint64_t){1}, sizeof(uint64_t));
}

/* ---- requests */

static void accept_peer(struct control *c)
{
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		if (c->peers[i].fd >= 0)
			continue;
		int fd = accept4(c->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (peer_allowed(fd))
			peer_open(&c->peers[i], fd, ++c->next_number);
		else
			close(fd);
		return;
	}
}

/* The errand's thread calls this. */
static void errand_done(void *arg, struct errand *e)
{
	struct control *c = arg;

	pthread_mutex_lock(&c->lock);
	e->next = c->done;
	c->done = e;
	c->at_work--;
	wake(c); /* with the lock held: without it control_stop might free the server before this */
	pthread_mutex_unlock(&c->lock);
}

static void errand_work(void *arg, struct errand *e)
{
	struct control *c = arg;

	c->config.work(c->config.arg, e);
}

static struct json *status(struct control *c)
{
	struct json *answer = json_new();

	json_put_bool(answer, "ok", true);
	c->config.status(c->config.arg, answer);
	return answer;
}

static struct json *settled(void)
{
	struct json *answer = json_new();

	json_put_bool(answer, "ok", true);
	return answer;
}

static bool take_place(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	bool room = c->at_work < CONTROL_ERRANDS_MAX;
	c->at_work += room;
	pthread_mutex_unlock(&c->lock);
	return room;
}

static void give_place(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	c->at_work--;
	pthread_mutex_unlock(&c->lock);
}

/* Takes the request and body over, also where it fails. */
static int send_errand(struct control *c, struct peer *p, struct json *request, int body)
{
	struct errand *e = calloc(1, sizeof(*e));
	struct json *working = NULL;
	int code = e ? 0 : -ENOMEM;

	if (!e) {
		json_free(request);
		io_close(&body);
		return code;
	}
	*e = (struct errand){.peer = p->number,
	    .request = request,
	    .body = body,
	    .file = -1,
	    .work = errand_work,
	    .done = errand_done,
	    .arg = c};
	if (serve_is_mine(request)) {
		working = json_new();
		json_put_bool(working, "working", true);
		code = peer_send(p, working, -1);
	}
	if (code == 0 && !take_place(c))
		code = ERR_LIMIT;
	if (code == 0) {
		p->state = PEER_WAITING;
		code = errand_start(e);
		if (code)
			give_place(c);
	}
	if (code)
		errand_free(e);
	return code;
}

/* 0, or a negative code: close the peer. */
static int take_request(struct control *c, struct peer *p, struct json *request, int body)
{
	const char *what = json_text(request, "do");
	int code = 0;

	if (what && strcmp(what, "status") == 0) {
		code = peer_send(p, status(c), -1);
	} else if (what && strcmp(what, "settle") == 0) {
		p->mark = flight_mark();
		p->state = PEER_SETTLING;
	} else {
		code = send_errand(c, p, request, body);
		if (code == ERR_LIMIT || code == -ENOMEM || code == -EAGAIN)
			code = peer_send(p, serve_error(code, "too much is at work already"), -1);
		return code;
	}
	json_free(request);
	io_close(&body);
	return code;
}

/* Takes requests for as long as they are answered at once. */
static void serve_peer(struct control *c, struct peer *p)
{
	int code = 0;

	while (code == 0 && p->state == PEER_READING) {
		struct json *request = NULL;
		struct err err = {{0}};
		int body = -1;

		code = peer_read(p, &request, &body, &err);
		if (code == 0)
			break;
		if (code > 0)
			code = take_request(c, p, request, body);
		else if (code == ERR_SYNTAX)
			code = peer_send(p, serve_error(code, err.text), -1);
	}
	if (code < 0)
		peer_close(p);
}

static void answer(struct control *c, struct peer *p, struct json *line, int fd)
{
	int code = peer_send(p, line, fd);

	if (code == ERR_LIMIT)
		code = peer_send(p, serve_error(code, "the answer does not fit a line"), -1);
	if (code < 0)
		peer_close(p);
	else
		serve_peer(c, p); /* the next request may have come long ago */
}

/* Answers those for whom what was in flight has ended; true if any waits still. */
static bool settle(struct control *c)
{
	bool wait = false;

	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *p = &c->peers[i];

		if (p->fd < 0 || p->state != PEER_SETTLING)
			continue;
		if (flight_is_over(p->mark))
			answer(c, p, settled(), -1);
		wait |= p->fd >= 0 && p->state == PEER_SETTLING;
	}
	return wait;
}

static void deliver(struct control *c, struct errand *e)
{
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *p = &c->peers[i];

		if (p->fd < 0 || p->number != e->peer)
			continue;
		answer(c, p, e->answer, e->file);
		e->answer = NULL;
	}
	errand_free(e);
}

/* Returns whether the thread shall end. */
static bool take_done(struct control *c)
{
	uint64_t ignored;

	(void)!read(c->wakeup, &ignored, sizeof(ignored));
	pthread_mutex_lock(&c->lock);
	struct errand *done = c->done;
	bool stop = c->stop;
	c->done = NULL;
	pthread_mutex_unlock(&c->lock);
	for (struct errand *next; done; done = next) {
		next = done->next;
		deliver(c, done);
	}
	return stop;
}

/* ---- the loop */

static void each_second(struct control *c, int64_t now)
{
	c->next_second = now + USEC_PER_SEC;
	control_socket_keep(&c->socket);
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *p = &c->peers[i];

		if (p->state == PEER_READING && now > p->deadline)
			peer_close(p);
	}
}

/*
 * Fills the set to poll: wakeup, listener, then a place for each peer. A negative descriptor is
 * skipped by poll; a hangup is told for every other one.
 */
static void fill(const struct control *c, struct pollfd set[2 + CONTROL_PEERS_MAX])
{
	bool room = false;

	set[0] = (struct pollfd){.fd = c->wakeup, .events = POLLIN};
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		const struct peer *p = &c->peers[i];

		set[2 + i] =
		    (struct pollfd){.fd = p->fd, .events = p->state == PEER_READING ? POLLIN : 0};
		room |= p->fd < 0;
	}
	set[1] = (struct pollfd){.fd = room ? c->socket.fd : -1, .events = POLLIN};
}

static void handle_peer(struct control *c, struct peer *p)
{
	if (p->state == PEER_READING)
		serve_peer(c, p);
	else
		peer_close(p); /* gone before its answer; what it asked is done all the same */
}

static void *control_main(void *arg)
{
	struct control *c = arg;
	struct pollfd set[2 + CONTROL_PEERS_MAX];

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
		for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
			if (set[2 + i].revents)
				handle_peer(c, &c->peers[i]);
		if (set[0].revents && take_done(c))
			break;
		if (set[1].revents)
			accept_peer(c);
	}
	return NULL;
}

/* ---- start and stop */

static void control_free(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
		peer_close(&c->peers[i]);
	if (c->wakeup >= 0)
		take_done(c);
	control_socket_remove(&c->socket);
	io_close(&c->wakeup);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int init(struct control *c, const struct control_config *config, struct err *err)
{
	c->config = *config;
	c->wakeup = -1;
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
		c->peers[i].fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	int code = control_socket_init(&c->socket, config->directory, err);
	if (code)
		return code;
	c->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wakeup < 0)
		return err_sys(err, errno, "failed to start the control server");
	control_socket_keep(&c->socket);
	c->next_second = clock_steady() + USEC_PER_SEC;
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

static bool is_idle(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	bool idle = c->at_work == 0;
	pthread_mutex_unlock(&c->lock);
	return idle;
}

bool control_stop(struct control *c, int64_t timeout)
{
	int64_t until = clock_steady() + timeout;
	struct timespec step = {.tv_nsec = STOP_STEP * 1000};

	if (!c)
		return true;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_mutex_unlock(&c->lock);
	wake(c);
	pthread_join(c->thread, NULL);
	control_socket_remove(&c->socket);
	while (!is_idle(c)) {
		if (clock_steady() >= until)
			return false;
		nanosleep(&step, NULL);
	}
	control_free(c);
	return true;
}
