/* SPDX-License-Identifier: ISC */
#pragma once

#include <pthread.h>

#include "base/base.h"
#include "base/clock.h"

/* Waits for the thread's end until a moment of the steady clock. False if it still runs. (TSan of
 * gcc 12 does not know pthread_clockjoin_np.) */
static inline bool thread_join_until(pthread_t thread, int64_t until)
{
	while (pthread_tryjoin_np(thread, NULL) != 0) {
		if (clock_steady() > until)
			return false;
		(void)usleep(1000);
	}
	return true;
}

static inline pthread_mutex_t *lock_take(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}

static inline void lock_release(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

/* Declares that this thread holds the mutex until the block ends, on every way out. */
#define LOCKED(mutex)                                                                              \
	AUTO(lock_release) __attribute__((unused)) pthread_mutex_t *held_ = lock_take(mutex)

/* The value of an expression that is evaluated while this thread holds the mutex. */
#define UNDER(mutex, ...)                                                                          \
	({                                                                                         \
		LOCKED(mutex);                                                                     \
		__VA_ARGS__;                                                                       \
	})
