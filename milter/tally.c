/* SPDX-License-Identifier: ISC */
#include "milter/tally.h"
#include "index/control/status.h"

#include <stdatomic.h>

static const char *const keys[] = {[VERDICT_REJECT] = "reject",
    [VERDICT_TEMPFAIL] = "defer",
    [VERDICT_DISCARD] = "discard",
    [VERDICT_HOLD] = "hold"};

static atomic_ullong counts[COUNT_OF(keys)];

void tally_add(enum verdict_action action)
{
	atomic_fetch_add(&counts[action], 1);
}

void tally_status(struct json *out)
{
	struct json *refused = json_new();

	json_put_int(out, STATUS_ACCEPTED,
	    (int64_t)(atomic_load(&counts[VERDICT_CONTINUE]) + atomic_load(&counts[VERDICT_HOLD])));
	for (size_t n = 0; n < COUNT_OF(keys); n++)
		if (keys[n])
			json_put_int(refused, keys[n], (int64_t)atomic_load(&counts[n]));
	json_put(out, STATUS_REFUSED, refused);
}
