/* SPDX-License-Identifier: ISC */
/*
 * Writing in slices. LMDB's writer mutex is not fair: whoever lets go of it and takes it again at
 * once starves all others (2 s were seen). So a slice begins when no session waits, or after
 * INDEX_PAUSE.
 */
#include <unistd.h>

#include "base/clock.h"
#include "index/inside.h"

#define LOOK 100 /* microseconds between two looks at who waits */
/* The other half is for the commit, which writes what was changed. */
#define CHANGE_TIME (INDEX_SLICE / 2)

void slice_begin(struct slice *s, struct index *ix)
{
	int64_t until = clock_steady() + INDEX_PAUSE;

	while (atomic_load(&ix->waiting) > 0 && clock_steady() < until)
		(void)usleep(LOOK);
	s->ix = ix;
	(void)txn_begin(ix->store, true, &s->txn);
	s->began = clock_steady();
}

bool slice_has_time(const struct slice *s)
{
	return s->txn.code == 0 && clock_steady() - s->began < CHANGE_TIME;
}
