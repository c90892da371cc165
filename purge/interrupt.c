/* SPDX-License-Identifier: ISC */
/* Signals, turned into a flag. */
#include <errno.h>
#include <poll.h>

#include "purge/interrupt.h"

volatile sig_atomic_t interrupt_stop;

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

static void set_flag(int number)
{
	(void)number;
	interrupt_stop = 1;
}

void interrupt_catch(void)
{
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct sigaction action = {.sa_handler = set_flag}, before;

		/*
		 * What nohup(1) had ignored stays ignored. Not so SIGINT, which a shell without job
		 * control ignores for whatever it starts with '&': postsuper catches it there, too.
		 */
		if (numbers[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 &&
		    before.sa_handler == SIG_IGN)
			continue;
		sigemptyset(&action.sa_mask);
		sigaction(numbers[i], &action, NULL);
	}
}

bool interrupt_wait(int fd)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};
	sigset_t held, before;

	sigemptyset(&held);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigaddset(&held, numbers[i]);
	sigprocmask(SIG_BLOCK, &held, &before);
	/* Only inside ppoll can a signal come in: none is lost between the look and the wait. */
	while (!interrupt_stop && ppoll(&item, 1, NULL, &before) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !interrupt_stop;
}

void interrupt_begin(void)
{
	struct sigaction ignored = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};

	sigemptyset(&ignored.sa_mask);
	sigemptyset(&usual.sa_mask);
	sigaction(SIGPIPE, &ignored, NULL);
	sigaction(SIGCHLD, &usual, NULL);
}
