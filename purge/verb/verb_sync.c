/* SPDX-License-Identifier: ISC */
#include "order/order.h"
#include "purge/interrupt.h"
#include "purge/session.h"
#include "purge/standing.h"
#include "purge/tell/field.h"
#include "purge/tell/progress.h"
#include "purge/tell/say.h"

static int put_result(const struct session *s, const struct sync *sync)
{
	const bool dry = s->options.dry_run;
	const struct field fields[] = {
	    {"queued", "messages in the queue", FIELD_NUMBER, .n = (int64_t)sync->counts.queued},
	    {"rows", "rows before", FIELD_NUMBER, .n = (int64_t)sync->counts.rows},
	    {dry ? "would_read" : "read", dry ? "files to read" : "files read", FIELD_COUNT,
		.n = (int64_t)sync->counts.read},
	    {dry ? "would_add" : "added", dry ? "rows to add" : "rows added", FIELD_COUNT,
		.n = (int64_t)sync->counts.added},
	    {dry ? "would_drop" : "dropped", dry ? "rows to drop" : "rows dropped", FIELD_COUNT,
		.n = (int64_t)sync->counts.dropped},
	    {"unreadable", "unreadable files", FIELD_COUNT, .n = (int64_t)sync->counts.unreadable},
	    {"arriving", "still arriving", FIELD_COUNT, .n = (int64_t)sync->counts.arriving},
	    {"maildrop", "in maildrop", FIELD_COUNT, .n = (int64_t)sync->counts.maildrop},
	    {"adopted", NULL, FIELD_BOOL, .n = sync->counts.adopted ? 1 : -1},
	};

	if (!s->options.json) {
		fields_say(stdout, fields, s->options.quiet ? 0 : COUNT_OF(fields));
		if (sync->counts.adopted && !s->options.quiet)
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
	AUTO(sync_release)
	struct sync sync = {.settings = &s->settings,
	    .postfix = &s->postfix,
	    .dry_run = s->options.dry_run,
	    .stop = &interrupt_stop,
	    .progress = progress_show,
	    .progress_arg = &progress};

	progress_init(&progress, !s->options.quiet);
	int code = sync_run(&sync, err);
	progress_end(&progress);
	/* a daemon without a usable index is worse than no index */
	if (code == ERR_NO_INDEX && sync.by_daemon)
		return err_within(err, ERR_CHILD, "the index was left as it is");
	if (code < 0)
		return code;
	code = session_written(put_result(s, &sync), err);
	struct strlist names = strlist_of(&sync.unreadable_names);
	strlist_each (name, &names)
		say(s->options.json ? stderr : stdout, "Could not be read: %s\n", name);
	if (code == 0 && sync.counts.unreadable)
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
