/* SPDX-License-Identifier: ISC */
/* pqpurge-idx sync: brings the index in line with the queue. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/json.h"
#include "order/order.h"
#include "purge/interrupt.h"
#include "purge/session.h"
#include "purge/standing.h"
#include "purge/tell/progress.h"
#include "purge/tell/say.h"

/* What is told of it. */
struct row {
	const char *key, *words;
	uint64_t n;
};
#define ROWS 8

static void make_rows(const struct session *s, const struct sync *sync, struct row rows[ROWS])
{
	bool dry = s->options.dry_run;
	const struct row all[ROWS] = {
	    {"queued", "messages in the queue", sync->queued},
	    {"rows", "rows in the index before", sync->rows},
	    {dry ? "would_read" : "read", dry ? "queue files to read" : "queue files read",
		sync->read},
	    {dry ? "would_add" : "added", "messages that the index did not know", sync->added},
	    {dry ? "would_drop" : "dropped",
		dry ? "rows of messages that left, to drop" : "rows dropped of messages that left",
		sync->dropped},
	    {"unreadable", "queue files that could not be read", sync->unreadable},
	    {"arriving", "messages still arriving", sync->arriving},
	    {"maildrop", "messages in maildrop", sync->maildrop},
	};

	memcpy(rows, all, sizeof(all));
}

static int put_json(const struct row rows[ROWS], const struct sync *sync)
{
	struct json *o = json_new(), *line = json_new();

	for (size_t i = 0; i < ROWS; i++)
		json_put_int(o, rows[i].key, (int64_t)rows[i].n);
	if (sync->adopted)
		json_put_bool(o, "adopted", true);
	json_put(line, "sync", o);
	return json_line(stdout, line);
}

static void put_text(const struct row rows[ROWS], const struct sync *sync)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].n || i < 2)
			say(stdout, "%8" PRIu64 "  %s\n", rows[i].n, rows[i].words);
	if (sync->adopted)
		say(stdout, "The index now stands for this queue directory.\n");
}

static void put_problems(FILE *to, const struct sync *sync)
{
	struct strlist names = strlist_of(&sync->unreadable_names);

	strlist_each (name, &names)
		say(to, "Could not be read: %s\n", name);
}

/* The catch-up itself. */
static int catch_up(struct session *s, struct err *err)
{
	struct progress progress;
	struct sync sync = {.settings = &s->settings,
	    .postfix = &s->postfix,
	    .dry_run = s->options.dry_run,
	    .stop = &interrupt_stop,
	    .progress = progress_show,
	    .progress_arg = &progress};
	struct row rows[ROWS];
	int code;

	progress_init(&progress, stderr, !s->options.quiet && isatty(STDERR_FILENO));
	code = sync_run(&sync, err);
	progress_end(&progress);
	if (code < 0)
		return code;
	make_rows(s, &sync, rows);
	if (s->options.json)
		code = put_json(rows, &sync);
	else if (!s->options.quiet)
		put_text(rows, &sync);
	put_problems(s->options.json ? stderr : stdout, &sync);
	if (code < 0)
		err_sys(err, -code, "failed to write");
	else if (sync.unreadable)
		code = EXIT_SOME_FAILED;
	sync_release(&sync);
	return code;
}

/* Standing orders do not need the index, and are carried out also where it cannot be completed. */
int verb_sync(struct session *s, struct err *err)
{
	int code, status = EXIT_DONE;

	interrupt_catch();
	code = catch_up(s, err);
	if (code != ERR_STOPPED && !s->options.dry_run)
		status = standing_carry_out(s);
	return code == EXIT_DONE ? status : code;
}
