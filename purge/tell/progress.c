/* SPDX-License-Identifier: ISC */
#include "purge/tell/progress.h"

#include "base/clock.h"

#define INTERVAL (USEC_PER_SEC / 5)
#define DELAY    (USEC_PER_SEC / 2)

void progress_init(struct progress *p, FILE *to, bool on)
{
	*p = (struct progress){.to = to, .on = on, .next = clock_steady() + DELAY};
}

void progress_show(void *arg, const char *doing, size_t done, size_t of)
{
	struct progress *p = arg;
	int64_t now = p->on ? clock_steady() : 0;

	if (!p->on || now < p->next)
		return;
	p->next = now + INTERVAL;
	p->shown = true;
	fprintf(p->to, "\r%s", doing);
	if (of)
		fprintf(p->to, " %zu of %zu (%zu %%)", done, of,
		    (size_t)((double)done * 100 / (double)of));
	fputs("\033[K", p->to);
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
