/* SPDX-License-Identifier: ISC */
/* First step: candidates from the index, an item for each. And what belongs to the outcome as a
 * whole. */
#include <errno.h>

#include "order/inside.h"

int order_select(const struct order *order, struct outcome *ret, struct err *err)
{
	struct candidates candidates = {0};
	struct item *items;
	int code =
	    index_select(order->settings->index_directory, order->selector, &candidates, err);

	if (code < 0)
		return code;
	items = calloc(candidates.count ? candidates.count : 1, sizeof(*items));
	if (!items) {
		candidates_release(&candidates);
		return err_sys(err, ENOMEM, "failed to keep what was selected");
	}
	*ret =
	    (struct outcome){.candidates = candidates, .items = items, .count = candidates.count};
	for (size_t n = 0; n < ret->count; n++) {
		const struct candidate *candidate = &ret->candidates.list[n];
		items[n].candidate = candidate;
		items[n].proof.arrival_time = items[n].proof.size = -1;
		items[n].other_recipients =
		    selector_other_recipients(order->selector, &candidate->message);
	}
	order_tally(ret);
	return 0;
}
