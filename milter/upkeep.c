/* SPDX-License-Identifier: ISC */
#include "milter/upkeep.h"

#include "base/clock.h"
#include "base/lock.h"

struct upkeep {
	struct upkeep_config config;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a member below */
	bool reload, stop;
};

static struct timespec time_of(int64_t steady)
{
	return (struct timespec){
	    .tv_sec = steady / USEC_PER_SEC, .tv_nsec = steady % USEC_PER_SEC * 1000};
}

static bool wait_for_work(struct upkeep *u, int64_t due, bool *ret_reload)
{
	const struct timespec until = time_of(due);
	bool stop;

	pthread_mutex_lock(&u->lock);
	while (!u->stop && !u->reload &&
	       pthread_cond_timedwait(&u->changed, &u->lock, &until) != ETIMEDOUT)
		continue;
	*ret_reload = u->reload;
	u->reload = false;
	stop = u->stop;
	pthread_mutex_unlock(&u->lock);
	return stop;
}

static void ask(struct upkeep *u, bool *what)
{
	LOCKED(&u->lock);
	*what = true;
	pthread_cond_signal(&u->changed);
}

static void *upkeep_main(void *arg)
{
	struct upkeep *u = arg;
	const struct upkeep_config *c = &u->config;
	int64_t next_second = clock_steady() + USEC_PER_SEC, due = 0;
	bool reload;

	while (!wait_for_work(u, due, &reload)) {
		if (reload)
			c->reload(c->arg);
		if (clock_steady() >= next_second) {
			c->each_second(c->arg);
			next_second = clock_steady() + USEC_PER_SEC;
		}
		due = indexkeeper_tend(c->index);
		if (due > next_second)
			due = next_second;
	}
	c->last(c->arg);
	return NULL;
}

static int init(struct upkeep *u)
{
	pthread_condattr_t steady;
	int errnum = pthread_condattr_init(&steady);

	if (errnum)
		return -errnum;
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	errnum = pthread_cond_init(&u->changed, &steady);
	pthread_condattr_destroy(&steady);
	if (errnum)
		return -errnum;
	pthread_mutex_init(&u->lock, NULL);
	return -pthread_create(&u->thread, NULL, upkeep_main, u);
}

int upkeep_start(struct upkeep **ret, const struct upkeep_config *config, struct err *err)
{
	struct upkeep *u = calloc(1, sizeof(*u));
	int code = -ENOMEM;

	if (u) {
		u->config = *config;
		code = init(u);
	}
	if (code) {
		free(u);
		return err_sys(err, -code, "failed to start the upkeep thread");
	}
	*ret = u;
	return 0;
}

void upkeep_reload(struct upkeep *u)
{
	ask(u, &u->reload);
}

bool upkeep_stop(struct upkeep *u, int64_t timeout)
{
	if (!u)
		return true;
	ask(u, &u->stop);
	if (!thread_join_until(u->thread, clock_steady() + timeout))
		return false;
	pthread_cond_destroy(&u->changed);
	pthread_mutex_destroy(&u->lock);
	free(u);
	return true;
}
