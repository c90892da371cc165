/* SPDX-License-Identifier: ISC */
/* What a scan adds to reports. */
#include "purge/tell/scan_words.h"

#include <inttypes.h>

void scan_words_text(FILE *to, const struct tally *t)
{
	uint64_t others = t->scanned - t->bounces;

	if (others)
		fprintf(to, "%" PRIu64 " of these %s not in the index; the scan found %s.\n",
		    others, others == 1 ? "is" : "are", others == 1 ? "it" : "them");
	if (t->bounces)
		fprintf(to, "%" PRIu64 " of these %s that such mail caused.\n", t->bounces,
		    t->bounces == 1 ? "is a bounce or delay notice"
				    : "are bounces or delay notices");
}

void scan_words_put(struct json *o, const struct item *item)
{
	if (!item->scanned)
		return;
	json_put_text(o, "origin", "scan");
	if (item->scanned->user >= 0)
		json_put_int(o, "user", item->scanned->user);
	if (item->scanned->bounce)
		json_put_bool(o, "bounce", true);
}
