/* SPDX-License-Identifier: ISC */
/* Signals, turned into a flag. */
#include "purge/interrupt.h"

#include "base/base.h"

volatile sig_atomic_t interrupt_stop;

static void set_flag(int number)
{
	(void)number;
	interrupt_stop = 1;
}

void interrupt_catch(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

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

void interrupt_begin(void)
{
	struct sigaction ignored = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};

	sigemptyset(&ignored.sa_mask);
	sigemptyset(&usual.sa_mask);
	sigaction(SIGPIPE, &ignored, NULL);
	sigaction(SIGCHLD, &usual, NULL);
}
