/* SPDX-License-Identifier: ISC */
#include "order/catchup/catchup.h"
#include "purge/interrupt.h"
#include "purge/session.h"
#include "purge/standing.h"
#include "purge/tell/field.h"
#include "purge/tell/progress.h"
#include "purge/tell/say.h"

static int put_result(const struct session *s, const struct sync_counts *counts)
{
	const bool dry = s->options.dry_run;
	const struct field fields[] = {
	    {"queued", "messages in the queue", FIELD_NUMBER, .n = (int64_t)counts->queued},
	    {"rows", "rows before", FIELD_NUMBER, .n = (int64_t)counts->rows},
	    {dry ? "would_read" : "read", dry ? "files to read" : "files read", FIELD_COUNT,
		.n = (int64_t)counts->read},
	    {dry ? "would_add" : "added", dry ? "rows to add" : "rows added", FIELD_COUNT,
		.n = (int64_t)counts->added},
	    {dry ? "would_drop" : "dropped", dry ? "rows to drop" : "rows dropped", FIELD_COUNT,
		.n = (int64_t)counts->dropped},
	    {"unreadable", "unreadable files", FIELD_COUNT, .n = (int64_t)counts->unreadable},
	    {"arriving", "still arriving", FIELD_COUNT, .n = (int64_t)counts->arriving},
	    {"maildrop", "in maildrop", FIELD_COUNT, .n = (int64_t)counts->maildrop},
	    {"adopted", NULL, FIELD_BOOL, .n = counts->adopted ? 1 : -1},
	};

	if (!s->options.json) {
		fields_say(stdout, fields, s->options.quiet ? 0 : COUNT_OF(fields));
		if (counts->adopted && !s->options.quiet)
			say(stdout, "The index now belongs to this queue directory.\n");
		return 0;
	}
	struct json *o = json_new();
	fields_put(o, fields, COUNT_OF(fields));
	return json_line_of(stdout, "sync", o);
}

static int catch_up(struct session *s, struct err *err)
{
	struct progress progress;
	AUTO(caught_release) struct caught caught = {0};
	const struct catchup_task task = {.settings = &s->settings,
	    .postfix = &s->postfix,
	    .dry_run = s->options.dry_run,
	    .stop = &interrupt_stop,
	    .progress = progress_show,
	    .progress_arg = &progress};

	progress_init(&progress, !s->options.quiet);
	int code = sync_run(&task, &caught, err);
	progress_end(&progress);
	/* a daemon without a usable index is worse than no index */
	if (code == ERR_NO_INDEX && caught.by_daemon)
		return err_within(err, ERR_CHILD, "the index was left as it is");
	if (code < 0)
		return code;
	code = session_written(put_result(s, &caught.counts), err);
	struct strlist names = strlist_of(&caught.unreadable);
	strlist_each (name, &names)
		say(s->options.json ? stderr : stdout, "Could not be read: %s\n", name);
	if (code == 0 && caught.counts.unreadable)
		code = EXIT_SOME_FAILED;
	return code;
}

/* Standing orders do not need the index, so they are carried out even if it cannot be completed. */
int verb_sync(struct session *s, struct err *err)
{
	int code, status = EXIT_DONE;

	interrupt_catch();
	code = catch_up(s, err);
	if (code != ERR_STOPPED && !s->options.dry_run)
		status = standing_carry_out(s);
	return code == EXIT_DONE ? status : code;
}
