/* SPDX-License-Identifier: ISC */
#include "purge/interrupt.h"

#include <sys/time.h>

volatile sig_atomic_t interrupt_stop;

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

static void set_flag(int number)
{
	(void)number;
	interrupt_stop = 1;
}

static void handle(int number, void (*handler)(int))
{
	const struct sigaction action = {.sa_handler = handler};

	sigaction(number, &action, NULL);
}

/* A shell without job control starts '&' jobs with SIGINT ignored. A verb that only looks could
 * then not be interrupted while it waits for a stopped child, until its deadline. */
void interrupt_begin(void)
{
	sigset_t set;

	handle(SIGPIPE, SIG_IGN);
	handle(SIGCHLD, SIG_DFL);
	handle(SIGINT, SIG_DFL);
	handle(SIGTERM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void interrupt_catch(void)
{
	struct sigaction before;

	/* nohup(1) started us */
	bool nohup = sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_IGN;

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (numbers[i] != SIGHUP || !nohup)
			handle(numbers[i], set_flag);
}

void interrupt_after(long usec)
{
	const struct itimerval time = {.it_value = {.tv_usec = usec}};

	handle(SIGALRM, set_flag);
	setitimer(ITIMER_REAL, &time, NULL);
}

void interrupt_hold(sigset_t *ret_before)
{
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigaddset(&held, numbers[i]);
	sigprocmask(SIG_BLOCK, &held, ret_before);
}

bool interrupt_wait(int fd)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};
	sigset_t before;

	interrupt_hold(&before);
	/* Signals arrive only inside ppoll, so none is lost between check and wait. */
	while (!interrupt_stop && ppoll(&item, 1, NULL, &before) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !interrupt_stop;
}
