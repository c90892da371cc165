/* SPDX-License-Identifier: ISC */
/* What hold batches still hold, as items: by the account alone, with words from the files. */
#include <errno.h>
#include <inttypes.h>

#include "order/inside.h"

static void tell_lost(struct run *run, size_t held, const struct holds_lost *lost)
{
	const char *subject = run->order->undo_count == 1 ? "the batch was" : "the batches were";
	struct err *note = &run->outcome->note;
	const char *again = lost->held_again == 1 ? "message was held by a later batch and stays"
						  : "messages were held by a later batch and stay";

	if (lost->released && held == 0)
		err_set(note, 0, "%s undone already, last by batch %" PRIu64, subject, lost->batch);
	else if (lost->released)
		err_set(note, 0, "%" PRIu64 " %s released since, last by batch %" PRIu64,
		    lost->released, lost->released == 1 ? "message was" : "messages were",
		    lost->batch);
	if (lost->held_again && note->text[0])
		err_set(note, 0, "%s; %" PRIu64 " %s", note->text, lost->held_again, again);
	else if (lost->held_again)
		err_set(note, 0, "%" PRIu64 " %s", lost->held_again, again);
}

/* What the files under these IDs say now. */
static int read_files(
    struct run *run, const struct account_entries *holds, struct caught *ret, struct err *err)
{
	struct queue_id *ids = calloc(holds->count + 1, sizeof(*ids));
	struct selector all;
	struct catchup_task task = {.settings = run->order->settings,
	    .postfix = &run->looking,
	    .selector = &all,
	    .ids = ids,
	    .id_count = holds->count,
	    .stop = run->order->stop,
	    .progress = run->order->progress,
	    .progress_arg = run->order->progress_arg};
	int code;

	if (!ids)
		return err_sys(err, ENOMEM, "failed to read %zu queue files", holds->count);
	for (size_t n = 0; n < holds->count; n++)
		ids[n] = holds->list[n].queue_id;
	selector_init(&all);
	all.all = true;
	code = catchup_run(&task, ret, err);
	selector_release(&all);
	free(ids);
	return code;
}

static int by_id(const void *a, const void *b)
{
	struct queue_id x = candidate_id(a), y = candidate_id(b);

	return strcmp(x.text, y.text);
}

static bool is_of(const struct candidate *c, const struct account_entry *entry)
{
	struct message m = candidate_message(c);

	return queue_id_equal(&m.queue_id, &entry->queue_id) &&
	       m.queued.arrival_time == entry->arrival_time;
}

/* Keeps those of found that the account means; all others of the account stay in holds. Both are
 * sorted by ID. */
static void divide(struct account_entries *holds, struct candidates *found)
{
	size_t kept = 0, left = 0, f = 0;

	for (size_t n = 0; n < holds->count; n++) {
		const struct account_entry *entry = &holds->list[n];

		while (f < found->count &&
		       strcmp(candidate_id(&found->list[f]).text, entry->queue_id.text) < 0)
			f++;
		if (f < found->count && is_of(&found->list[f], entry)) {
			found->list[kept] = found->list[f++];
			found->list[kept++].matched = MATCHED_OTHER;
		} else {
			holds->list[left++] = *entry;
		}
	}
	found->count = kept;
	holds->count = left;
}

static int take_all(
    struct run *run, struct account_entries *holds, struct caught *caught, struct err *err)
{
	struct candidates bare = {0};
	int code;

	if (caught->found.count > 1)
		qsort(caught->found.list, caught->found.count, sizeof(*caught->found.list), by_id);
	divide(holds, &caught->found);
	code = holds_candidates(holds->list, holds->count, &bare);
	if (code < 0)
		err_sys(err, ENOMEM, "failed to keep %zu messages", holds->count);
	/* An ID may stand there twice; the message whose file is there comes last. */
	if (code == 0)
		code = order_take(run, &bare, err);
	if (code == 0)
		code = order_take(run, &caught->found, err);
	candidates_release(&bare);
	return code;
}

int order_select_undo(struct run *run, struct err *err)
{
	struct account_entries holds = {0};
	struct holds_lost lost;
	struct caught caught = {0};
	int code = holds_read(run->order, &holds, &lost, err);

	if (code < 0)
		return code;
	tell_lost(run, holds.count, &lost);
	run->certain = true;
	code = read_files(run, &holds, &caught, err);
	if (code == 0)
		code = take_all(run, &holds, &caught, err);
	caught_release(&caught);
	account_entries_release(&holds);
	return code;
}
