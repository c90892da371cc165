/* SPDX-License-Identifier: ISC */
#include "purge/tell/progress.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/lock.h"
#include "purge/tell/table.h"

#define INTERVAL  (USEC_PER_SEC / 5)
#define DELAY     (USEC_PER_SEC / 2)
#define ERASE     "\r\033[K"
#define LINE_SIZE 160
#define SPIN_MAX  100 /* milliseconds that a signal waits for a terminal that takes no output */

/* The caller writes it; the thread reads it. */
static struct {
	_Atomic(const char *) doing; /* NULL: nothing in progress */
	atomic_size_t done, of;
	_Atomic int64_t since, begun; /* steady; begin of the line, begin of the step */
	atomic_bool shown, writing, dying;
	pthread_mutex_t lock;   /* held while the line is drawn or removed */
	pthread_cond_t changed; /* doing is no longer NULL */
	bool started;
} line = {.lock = PTHREAD_MUTEX_INITIALIZER};

void progress_init(struct progress *p, bool wanted)
{
	const char *term = getenv("TERM");

	p->on = wanted && isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

char *progress_text(const char *doing, size_t done, size_t of, int64_t seconds, unsigned columns,
    char *buf, size_t size)
{
	if (of > 0)
		snprintf(buf, size, "%s %zu of %zu (%zu %%)", doing, done, of,
		    (size_t)((double)done * 100 / (double)of));
	else if (seconds > 0)
		snprintf(buf, size, "%s, %lld s", doing, (long long)seconds);
	else
		snprintf(buf, size, "%s", doing);
	/* a character in the last column would wrap */
	if (columns > 0 && strlen(buf) >= columns)
		buf[columns - 1] = '\0';
	return buf;
}

static void put(const char *text, size_t len)
{
	/* if the terminal is gone, nobody needs the line */
	(void)!write(STDERR_FILENO, text, len);
}

/* The handler is reset by now, so the signal takes its default effect when we return. */
static void die(int number)
{
	const struct timespec step = {.tv_nsec = 1000000};

	atomic_store(&line.dying, true);
	for (int n = 0; n < SPIN_MAX && atomic_load(&line.writing); n++)
		nanosleep(&step, NULL);
	if (atomic_load(&line.shown))
		put(ERASE, strlen(ERASE));
	raise(number);
}

/* Verbs that change something catch these themselves. */
static void guard_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	const struct sigaction ours = {.sa_handler = die, .sa_flags = SA_RESETHAND};
	struct sigaction now;

	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		if (sigaction(numbers[n], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			sigaction(numbers[n], &ours, NULL);
}

static void draw(const char *doing, int64_t now)
{
	char text[LINE_SIZE], whole[LINE_SIZE + 8];
	int64_t seconds = (now - atomic_load(&line.begun)) / USEC_PER_SEC;

	if (tcgetpgrp(STDERR_FILENO) != getpgrp())
		return;
	progress_text(doing, atomic_load(&line.done), atomic_load(&line.of), seconds,
	    table_width(stderr), text, sizeof(text));
	int len = snprintf(whole, sizeof(whole), "\r%s\033[K", text);
	atomic_store(&line.writing, true);
	if (!atomic_load(&line.dying)) {
		atomic_store(&line.shown, true);
		put(whole, (size_t)len);
	}
	atomic_store(&line.writing, false);
}

static void *draw_main(void *arg)
{
	int64_t next = 0;

	pthread_mutex_lock(&line.lock);
	for (;;) {
		const char *doing = atomic_load(&line.doing);
		int64_t now = clock_steady(), due = atomic_load(&line.since) + DELAY;

		if (!doing) {
			pthread_cond_wait(&line.changed, &line.lock);
			continue;
		}
		due = due > next ? due : next;
		if (now >= due) {
			draw(doing, now);
			next = due = now + INTERVAL;
		}
		const struct timespec until = {due / USEC_PER_SEC, due % USEC_PER_SEC * 1000};
		pthread_cond_timedwait(&line.changed, &line.lock, &until);
	}
	return arg;
}

static bool start(void)
{
	pthread_condattr_t steady;
	pthread_attr_t small;
	sigset_t all, before;
	pthread_t thread;

	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&line.changed, &steady);
	pthread_condattr_destroy(&steady);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64u << 10);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(&thread, &small, draw_main, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&small);
	if (started)
		guard_signals();
	return started;
}

void progress_show(void *arg, const char *doing, size_t done, size_t of)
{
	struct progress *p = arg;
	const char *before;

	if (!p->on)
		return;
	if (!line.started && !start()) {
		p->on = false;
		return;
	}
	line.started = true;
	before = atomic_load(&line.doing);
	atomic_store(&line.done, done);
	atomic_store(&line.of, of);
	if (before == doing)
		return;
	atomic_store(&line.begun, clock_steady());
	if (before) {
		atomic_store(&line.doing, doing);
		return;
	}
	atomic_store(&line.since, clock_steady());
	LOCKED(&line.lock);
	atomic_store(&line.doing, doing);
	pthread_cond_signal(&line.changed);
}

void progress_clear(FILE *to)
{
	if (!atomic_load(&line.doing) || !isatty(fileno(to)))
		return;
	LOCKED(&line.lock);
	atomic_store(&line.doing, NULL);
	if (atomic_exchange(&line.shown, false))
		put(ERASE, strlen(ERASE));
}

void progress_end(struct progress *p)
{
	if (p->on)
		progress_clear(stderr);
}
