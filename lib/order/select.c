/* SPDX-License-Identifier: ISC */
/* First step: candidates from the index and, where asked, from queue files; an item for each. */
#include <errno.h>

#include "order/inside.h"

static int by_id(const void *a, const void *b)
{
	struct queue_id x = candidate_id(((const struct item *)a)->candidate);
	struct queue_id y = candidate_id(((const struct item *)b)->candidate);

	return strcmp(x.text, y.text);
}

/* In sequence order; what a scan found has none and comes first. */
static int by_sequence(const void *a, const void *b)
{
	const struct candidate *x = ((const struct item *)a)->candidate;
	const struct candidate *y = ((const struct item *)b)->candidate;
	int64_t x_time, y_time;

	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	x_time = candidate_mail_time(x);
	y_time = candidate_mail_time(y);
	if (x_time != y_time)
		return x_time < y_time ? -1 : 1;
	return by_id(a, b);
}

static void item_init(
    struct item *item, const struct order *order, const struct candidate *candidate)
{
	struct message message = candidate_message(candidate);

	*item = (struct item){.candidate = candidate};
	item->proof.arrival_time = item->proof.size = -1;
	item->other_recipients = selector_other_recipients(order->selector, &message);
}

/*
 * Adds what the scan found. Where the index selected the same queue ID its row counts, unless the
 * file is another message: then the recorded one has left, and what is there now is judged by
 * itself.
 */
static void add_scanned(const struct order *order, struct outcome *outcome)
{
	size_t indexed = outcome->count;

	qsort(outcome->items, indexed, sizeof(*outcome->items), by_id);
	for (size_t n = 0; n < scan_count(outcome->scan); n++) {
		const struct scanned *found = scan_at(outcome->scan, n);
		const struct item key = {.candidate = &found->candidate};
		struct item *same =
		    bsearch(&key, outcome->items, indexed, sizeof(*outcome->items), by_id);

		if (same && !scan_replaces(outcome->scan, same->candidate->sequence))
			continue;
		if (same)
			same->result = RESULT_GONE;
		item_init(&outcome->items[outcome->count], order, &found->candidate);
		outcome->items[outcome->count++].scanned = found;
	}
	qsort(outcome->items, outcome->count, sizeof(*outcome->items), by_sequence);
	outcome->candidates.limits += scan_limits(outcome->scan);
}

static void tell_unreadable(struct outcome *outcome)
{
	uint64_t count = scan_unreadable(outcome->scan);
	struct err err = {{0}};

	if (count == 0)
		return;
	err_set(&err, 0, "%llu queue %s could not be read", (unsigned long long)count,
	    count == 1 ? "file" : "files");
	order_trouble(outcome, &err);
}

int order_select(const struct order *order, struct outcome *ret, struct err *err)
{
	struct outcome out = {0};
	int code =
	    index_select(order->settings->index_directory, order->selector, &out.candidates, err);

	if (code == 0 && (order->scan || order->bounces))
		code = scan_run(order, &out.scan, err);
	if (code < 0) {
		outcome_release(&out);
		return code;
	}
	out.items = calloc(out.candidates.count + scan_count(out.scan) + 1, sizeof(*out.items));
	if (!out.items) {
		outcome_release(&out);
		return err_sys(err, ENOMEM, "failed to keep what was selected");
	}
	for (size_t n = 0; n < out.candidates.count; n++)
		item_init(&out.items[out.count++], order, &out.candidates.list[n]);
	code = order_decide_unsure(order, &out, err);
	if (code < 0) {
		outcome_release(&out);
		return code;
	}
	if (out.scan) {
		add_scanned(order, &out);
		tell_unreadable(&out);
		order_tell_unsure(&out, scan_unsure(out.scan));
	}
	order_tally(&out);
	*ret = out;
	return 0;
}
