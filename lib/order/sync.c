/* SPDX-License-Identifier: ISC */
/* The catch-up alone. */
#include "order/inside.h"

static void take_counts(struct sync *sync, struct caught *caught)
{
	const struct caught_counts *counts = &caught->counts;

	sync->queued = counts->queued;
	sync->rows = counts->rows;
	sync->read = counts->read;
	sync->added = counts->added;
	sync->dropped = counts->dropped;
	sync->unreadable = counts->unreadable;
	sync->arriving = counts->arriving;
	sync->maildrop = counts->maildrop;
	sync->adopted = counts->adopted;
	sync->unreadable_names = caught->unreadable;
	caught->unreadable = (struct strbuf){0};
}

int sync_run(struct sync *sync, struct err *err)
{
	struct index_client index = {.settings = sync->settings, .stop = sync->stop};
	struct postfix looking = *sync->postfix;
	struct catchup_task task = {.settings = sync->settings,
	    .postfix = &looking,
	    .indexed = true,
	    .adopt = true,
	    .dry_run = sync->dry_run,
	    .stop = sync->stop,
	    .progress = sync->progress,
	    .progress_arg = sync->progress_arg};
	struct caught caught = {0};
	int code = client_daemon(&index, err);

	if (code < 0)
		return code;
	sync->by_daemon = code == 1;
	looking.stop = sync->stop;
	if (!sync->dry_run)
		writer_prepare(sync->settings);
	code = catchup_run(&task, &caught, err);
	if (code == 0 && !caught.counts.indexed)
		code = err_set(err, ERR_NO_INDEX, "%s", caught.index_why.text);
	if (code == 0)
		take_counts(sync, &caught);
	caught_release(&caught);
	return code;
}

void sync_release(struct sync *sync)
{
	strbuf_release(&sync->unreadable_names);
}
