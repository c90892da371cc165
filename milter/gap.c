/* SPDX-License-Identifier: ISC */
/* A stretch of lost messages. */
#include "milter/gap.h"

bool gap_lose(struct gap *gap, int64_t mail_time, const char *reason)
{
	bool begins = !gap->open;

	if (begins) {
		*gap = (struct gap){.open = true, .from = mail_time};
		snprintf(gap->reason, sizeof(gap->reason), "%s", reason);
	}
	if (mail_time < gap->from)
		gap->from = mail_time;
	gap->count++;
	return begins;
}

bool gap_forgive(struct gap *gap)
{
	if (gap->count > 0)
		gap->count--;
	if (!gap->open || gap->count > 0)
		return false;
	gap->open = false;
	return true;
}

bool gap_row(const struct gap *gap, int64_t now, struct coverage_row *ret)
{
	if (!gap->open)
		return false;
	*ret = (struct coverage_row){
	    .kind = COVERAGE_GAP,
	    .from = gap->from,
	    .to = now > gap->from ? now : gap->from,
	    .count = gap->count,
	};
	snprintf(ret->reason, sizeof(ret->reason), "%s", gap->reason);
	return true;
}

bool gap_written(struct gap *gap, const struct coverage_row *row)
{
	uint64_t written = row->count < gap->count ? row->count : gap->count;

	gap->count -= written;
	if (gap->count == 0) {
		gap->open = false;
		return true;
	}
	gap->from = row->to;
	return false;
}
