/* SPDX-License-Identifier: ISC */
/* Progress: one line on the terminal. */
#include "purge/tell/progress.h"

#include "base/clock.h"

#define PROGRESS_INTERVAL (USEC_PER_SEC / 5)

void progress_init(struct progress *p, FILE *to, bool on, const char *doing)
{
	*p = (struct progress){.to = to, .doing = doing, .on = on};
}

void progress_show(void *arg, size_t done, size_t of)
{
	struct progress *p = arg;
	int64_t now;

	if (!p->on || of == 0)
		return;
	now = clock_steady();
	if (now < p->next)
		return;
	p->next = now + PROGRESS_INTERVAL;
	p->shown = true;
	fprintf(p->to, "\r%s %zu of %zu (%zu %%)\033[K", p->doing, done, of,
	    (size_t)((double)done * 100 / (double)of));
	fflush(p->to);
}

void progress_end(struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", p->to);
	fflush(p->to);
	p->shown = false;
}
