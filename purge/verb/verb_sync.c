/* SPDX-License-Identifier: ISC */
/* pqpurge-idx sync: brings the index in line with the queue. */
#include <errno.h>
#include <inttypes.h>

#include "base/json.h"
#include "order/sync.h"
#include "purge/session.h"
#include "purge/tell/wording.h"

static int put_json(const struct session *s, const struct sync *sync)
{
	struct json *o = json_new(), *line = json_new();
	bool dry = s->options.dry_run;

	json_put_int(o, "queued", (int64_t)sync->queued);
	json_put_int(o, "rows", (int64_t)sync->rows);
	json_put_int(o, dry ? "would_drop" : "dropped", (int64_t)sync->dropped);
	json_put_int(o, "replaced", (int64_t)sync->replaced);
	json_put_int(o, "unindexed", (int64_t)sync->unindexed);
	json_put_int(o, "unindexed_maildrop", (int64_t)sync->unindexed_maildrop);
	json_put_int(o, "unindexed_arriving", (int64_t)sync->unindexed_arriving);
	if (s->options.add)
		json_put_int(o, dry ? "would_add" : "added", (int64_t)sync->added);
	if (sync->unreadable)
		json_put_int(o, "unreadable", (int64_t)sync->unreadable);
	if (sync->damaged)
		json_put_int(o, "damaged", (int64_t)sync->damaged);
	json_put(line, "sync", o);
	return json_line(stdout, line);
}

static const char *rows(uint64_t n)
{
	return n == 1 ? "row" : "rows";
}

static void put_unindexed(const struct session *s, const struct sync *sync)
{
	if (sync->unindexed)
		printf("%" PRIu64 " %s in the queue %s not in the index%s.\n", sync->unindexed,
		    wording_messages(sync->unindexed),
		    sync->unindexed == 1 ? (s->options.add ? "was" : "is")
					 : (s->options.add ? "were" : "are"),
		    s->options.add ? "" : "; --add records them");
	if (s->options.add)
		printf("%s %" PRIu64 " of them.\n", s->options.dry_run ? "Would add" : "Added",
		    sync->added);
	if (sync->unindexed_maildrop || sync->unindexed_arriving)
		printf("Beside them %" PRIu64 " in maildrop and %" PRIu64 " still arriving.\n",
		    sync->unindexed_maildrop, sync->unindexed_arriving);
}

static void put_text(const struct session *s, const struct sync *sync)
{
	printf("%" PRIu64 " %s in the queue, %" PRIu64 " %s in the index.\n", sync->queued,
	    wording_messages(sync->queued), sync->rows, rows(sync->rows));
	printf("%s %" PRIu64 " %s of messages that have left",
	    s->options.dry_run ? "Would drop" : "Dropped", sync->dropped, rows(sync->dropped));
	if (sync->replaced)
		printf(", %" PRIu64 " of them\nbecause the queue ID now names another message",
		    sync->replaced);
	puts(".");
	put_unindexed(s, sync);
}

static void put_problems(FILE *to, const struct sync *sync)
{
	if (sync->damaged)
		fprintf(to, "%" PRIu64 " damaged %s of the index could not be read.\n",
		    sync->damaged, rows(sync->damaged));
	if (sync->unreadable)
		fprintf(to, "%" PRIu64 " queue %s could not be read.\n", sync->unreadable,
		    sync->unreadable == 1 ? "file" : "files");
}

int verb_sync(struct session *s, struct err *err)
{
	struct sync sync = {.settings = &s->settings,
	    .postfix = &s->postfix,
	    .add = s->options.add,
	    .prove = s->options.prove,
	    .dry_run = s->options.dry_run};
	int code = sync_run(&sync, err);

	if (code < 0)
		return code;
	if (s->options.json) {
		code = put_json(s, &sync);
		if (code < 0)
			return err_sys(err, -code, "failed to write");
	} else if (!s->options.quiet) {
		put_text(s, &sync);
	}
	put_problems(s->options.json ? stderr : stdout, &sync);
	return sync.damaged || sync.unreadable ? EXIT_SOME_FAILED : EXIT_DONE;
}
