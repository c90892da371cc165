/* SPDX-License-Identifier: ISC */
/* The nearest of several words. */
#include "purge/spell.h"

#include "base/str.h"

void spell_consider(struct spell *s, const char *word, const char *candidate)
{
	size_t reach = (strlen(word) + 2) / 3;
	size_t distance = str_distance(word, candidate);

	if (distance > (reach > 3 ? 3 : reach) || (s->best && distance >= s->distance))
		return;
	s->best = candidate;
	s->distance = distance;
}
