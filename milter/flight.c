/* SPDX-License-Identifier: ISC */
#include "milter/flight.h"

#include "base/lock.h"

/* Each span between two marks has a counter in a ring. If the next counter is still in use, the
 * span continues: its mark is then over later, never too early. */
#define SPANS 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long at_work[SPANS];
static unsigned now; /* the current span */

unsigned flight_begin(void)
{
	LOCKED(&lock);
	unsigned begun = now % SPANS;
	at_work[begun]++;
	return begun;
}

void flight_end(unsigned begun)
{
	LOCKED(&lock);
	at_work[begun]--;
}

unsigned flight_mark(void)
{
	LOCKED(&lock);
	unsigned mark = now;
	if (at_work[(now + 1) % SPANS] == 0)
		now++;
	return mark;
}

bool flight_is_over(unsigned mark)
{
	bool over = true;

	LOCKED(&lock);
	/* An older counter's place was reused, so that counter had reached zero. */
	for (unsigned age = now - mark; age < SPANS; age++)
		over &= at_work[(now - age) % SPANS] == 0;
	return over;
}
