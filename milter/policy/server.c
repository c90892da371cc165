/* SPDX-License-Identifier: ISC */
#include "milter/policy/server.h"

#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/log.h"
#include "index/control/status.h"
#include "milter/flight.h"

#define CHUNK         4096
#define TURN_MAX      16   /* requests of one connection before others get their turn */
#define SURPLUS_MAX   64   /* connections beyond the cap, while idle ones are being closed */
#define TICK          1000 /* milliseconds */
#define BACK_OFF      50   /* milliseconds of pause without free descriptors */
#define COMPLAIN_EACH (60 * USEC_PER_SEC)

struct connection {
	int fd;
	struct strbuf in; /* the begun request; freed when empty */
	struct policy_scan scan;
	/* under the server's lock */
	TAILQ_ENTRY(connection) use; /* the newest first */
	int64_t begun;               /* steady, of the request in `in`; 0: idle */
	bool closing;                /* shut down; its next reader frees it */
};

TAILQ_HEAD(connections, connection);

struct policy_server {
	struct front *front;
	int listener, epoll, wakeup;
	unsigned threads;
	pthread_t thread[POLICY_THREADS];
	atomic_bool stopping;
	atomic_ullong requests;

	pthread_mutex_t lock;
	struct connections by_use;
	unsigned count;
	int64_t next_look;
	int64_t complained;    /* steady; 0: never */
	uint64_t uncomplained; /* peers dropped since then */
};

/* The thread that has the connection, or that this wakes, frees it. */
static void close_soon(struct connection *c)
{
	c->closing = true;
	shutdown(c->fd, SHUT_RDWR);
}

static void close_idlest(struct policy_server *s)
{
	struct connection *c;

	TAILQ_FOREACH_REVERSE (c, &s->by_use, connections, use)
		if (!c->begun && !c->closing) {
			close_soon(c);
			return;
		}
}

static void complain_once_a_minute(struct policy_server *s, const char *why)
{
	int64_t now = clock_steady();

	pthread_mutex_lock(&s->lock);
	bool tell = !s->complained || now - s->complained >= COMPLAIN_EACH;
	uint64_t more = tell ? s->uncomplained : 0;
	if (tell)
		s->complained = now;
	s->uncomplained = tell ? 0 : s->uncomplained + 1;
	pthread_mutex_unlock(&s->lock);
	if (tell && more)
		log_warning(
		    "hung up on %llu more peers of the policy socket", (unsigned long long)more);
	if (tell)
		log_warning("hung up on a peer of the policy socket: %s", why);
}

static void look_for_slow_peers(struct policy_server *s)
{
	int64_t now = clock_steady();
	struct connection *c;
	unsigned slow = 0;

	pthread_mutex_lock(&s->lock);
	if (now >= s->next_look) {
		s->next_look = now + TICK * 1000;
		TAILQ_FOREACH_REVERSE (c, &s->by_use, connections, use) {
			if (!c->begun || c->closing || now - c->begun < POLICY_PATIENCE)
				continue;
			close_soon(c);
			slow++;
		}
	}
	pthread_mutex_unlock(&s->lock);
	if (slow)
		complain_once_a_minute(s, "it did not send the rest of a request");
}

static void close_connection(struct policy_server *s, struct connection *c)
{
	pthread_mutex_lock(&s->lock);
	TAILQ_REMOVE(&s->by_use, c, use);
	s->count--;
	close(c->fd); /* with the lock, so that close_soon finds no descriptor in new use */
	pthread_mutex_unlock(&s->lock);
	strbuf_release(&c->in);
	free(c);
}

static void note_progress(struct policy_server *s, struct connection *c, bool answered)
{
	LOCKED(&s->lock);
	TAILQ_REMOVE(&s->by_use, c, use);
	TAILQ_INSERT_HEAD(&s->by_use, c, use);
	if (c->in.len == 0)
		c->begun = 0;
	else if (answered || !c->begun)
		c->begun = clock_steady();
}

static int arm(struct policy_server *s, int how, int fd, void *what)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = what};

	return epoll_ctl(s->epoll, how, fd, &event);
}

static bool answer(struct policy_server *s, struct connection *c, size_t len, struct err *err)
{
	char text[FRONT_ANSWER_SIZE];
	struct policy_request request;

	if (policy_request_read(c->in.text, len, &request, err) != 0)
		return false;
	unsigned begun = flight_begin();
	front_answer(s->front, &request, text);
	flight_end(begun);
	atomic_fetch_add(&s->requests, 1);
	size_t size = strlen(text);
	if (send(c->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size)
		return true;
	if (errno == EAGAIN)
		err_set(err, ERR_LIMIT, "it does not read");
	return false;
}

static void drop_front(struct strbuf *in, size_t len)
{
	if (len == in->len) {
		strbuf_release(in); /* idle connections keep no memory */
		return;
	}
	in->len -= len;
	memmove(in->text, in->text + len, in->len + 1);
}

/* False: close. */
static bool answer_all(struct policy_server *s, struct connection *c, struct err *err)
{
	while (c->in.len > 0) {
		size_t len;
		int code = policy_request_find(c->in.text, c->in.len, &c->scan, &len, err);

		if (code <= 0)
			return code == 0;
		if (atomic_load(&s->stopping) || !answer(s, c, len, err))
			return false;
		c->scan = (struct policy_scan){0};
		drop_front(&c->in, len);
		note_progress(s, c, true);
	}
	return true;
}

/* 1: nothing more to read; 0: there may be more; -1: close. */
static int turn(struct policy_server *s, struct connection *c, struct err *err)
{
	char chunk[CHUNK];
	ssize_t got = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (got <= 0)
		return -1;
	strbuf_add(&c->in, chunk, (size_t)got);
	if (c->in.failed)
		return -1;
	note_progress(s, c, false);
	if (!answer_all(s, c, err))
		return -1;
	return (size_t)got < sizeof(chunk);
}

/* The lock also makes the last thread's writes to the connection visible. */
static bool is_closing(struct policy_server *s, const struct connection *c)
{
	LOCKED(&s->lock);
	return c->closing;
}

/* Another thread may have the connection afterwards. */
static bool give_back(struct policy_server *s, struct connection *c)
{
	LOCKED(&s->lock);
	return arm(s, EPOLL_CTL_MOD, c->fd, c) == 0;
}

static void tend(struct policy_server *s, struct connection *c)
{
	struct err err = {{0}};
	int state = is_closing(s, c) ? -1 : 0;

	for (unsigned i = 0; i < TURN_MAX && state == 0; i++)
		state = turn(s, c, &err);
	if (state >= 0 && give_back(s, c))
		return;
	if (err.text[0])
		complain_once_a_minute(s, err.text);
	close_connection(s, c);
}

/* Beyond the cap, closes the connection that was idle longest, unless too many are closing. */
static bool find_room(struct policy_server *s, struct connection *c)
{
	LOCKED(&s->lock);
	bool room = s->count < POLICY_CONNECTIONS_MAX + SURPLUS_MAX;
	if (s->count >= POLICY_CONNECTIONS_MAX)
		close_idlest(s);
	if (room)
		TAILQ_INSERT_HEAD(&s->by_use, c, use);
	s->count += room;
	return room;
}

static void let_in(struct policy_server *s, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c)
		c->fd = fd;
	if (!c || !find_room(s, c)) {
		free(c);
		close(fd);
		complain_once_a_minute(s, "there are too many of them");
		return;
	}
	if (arm(s, EPOLL_CTL_ADD, fd, c) != 0)
		close_connection(s, c);
}

static void accept_one(struct policy_server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		let_in(s, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		UNDER(&s->lock, close_idlest(s));
		poll(NULL, 0, BACK_OFF);
	}
	(void)arm(s, EPOLL_CTL_MOD, s->listener, &s->listener);
}

static void *thread_main(void *arg)
{
	struct policy_server *s = arg;
	struct epoll_event event;

	while (!atomic_load(&s->stopping)) {
		int found = epoll_wait(s->epoll, &event, 1, TICK);

		if (found == 1 && event.data.ptr == &s->listener)
			accept_one(s);
		else if (found == 1 && event.data.ptr != &s->wakeup)
			tend(s, event.data.ptr);
		look_for_slow_peers(s);
	}
	return NULL;
}

void policy_server_free(struct policy_server *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int init(struct policy_server *s)
{
	struct epoll_event wakeup = {.events = EPOLLIN, .data.ptr = &s->wakeup};

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll < 0 || s->wakeup < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wakeup, &wakeup) != 0 ||
	    arm(s, EPOLL_CTL_ADD, s->listener, &s->listener) != 0)
		return errno;
	for (; s->threads < POLICY_THREADS; s->threads++) {
		int errnum = pthread_create(&s->thread[s->threads], NULL, thread_main, s);

		if (errnum)
			return errnum;
	}
	return 0;
}

int policy_server_start(
    struct policy_server **ret, int listener, struct front *front, struct err *err)
{
	struct policy_server *s = calloc(1, sizeof(*s));

	if (!s) {
		io_close(&listener);
		return err_sys(err, ENOMEM, "failed to start the policy server");
	}
	*s =
	    (struct policy_server){.front = front, .listener = listener, .epoll = -1, .wakeup = -1};
	pthread_mutex_init(&s->lock, NULL);
	TAILQ_INIT(&s->by_use);
	int errnum = init(s);
	if (errnum) {
		if (policy_server_stop(s, USEC_PER_SEC))
			policy_server_free(s);
		return err_sys(err, errnum, "failed to start the policy server");
	}
	*ret = s;
	return 0;
}

bool policy_server_stop(struct policy_server *s, int64_t timeout)
{
	int64_t until = clock_steady() + timeout;

	if (!s)
		return true;
	atomic_store(&s->stopping, true);
	if (s->wakeup >= 0)
		(void)!write(s->wakeup, &(uint64_t){1}, sizeof(uint64_t));
	for (; s->threads > 0; s->threads--)
		if (!thread_join_until(s->thread[s->threads - 1], until))
			return false;
	while (!TAILQ_EMPTY(&s->by_use))
		close_connection(s, TAILQ_FIRST(&s->by_use));
	io_close(&s->listener);
	io_close(&s->epoll);
	io_close(&s->wakeup);
	return true;
}

void policy_server_status(struct policy_server *s, struct json *out)
{
	json_put_int(out, STATUS_POLICY_CONNECTIONS, UNDER(&s->lock, s->count));
	json_put_int(out, STATUS_POLICY_REQUESTS, (int64_t)atomic_load(&s->requests));
}
