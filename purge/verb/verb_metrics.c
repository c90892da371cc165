/* SPDX-License-Identifier: ISC */
/* pqpurge-idx metrics. It never catches up itself: that would hide that the timer's catch-ups are
 * missing. */
#include "purge/metrics/metrics.h"

#include "purge/floods/floods.h"
#include "purge/interrupt.h"
#include "purge/tell/out_file.h"
#include "purge/tell/say.h"
#include "purge/walk.h"

#define FILE_MODE 0644 /* node_exporter runs as another user */

struct gathered {
	struct status status;
	struct walk walk;
	struct json *floods;
	struct sums sums;
	struct metrics all;
	bool part; /* something could not be read, and was reported */
};

static void miss(struct gathered *g, const char *what, int code, const struct err *why)
{
	if (code == ERR_STOPPED)
		return;
	complain("%s: %s", what, why->text[0] ? why->text : err_word(code));
	g->part = true;
}

static int read_queue(struct gathered *g, struct session *s)
{
	struct err err = {{0}};

	s->options.selector.all = true;
	g->walk.order.untold = true;
	int code = order_run(&g->walk.order, &g->walk.outcome, &err);
	progress_end(&g->walk.progress);
	if (code == 0)
		g->all.queue = &g->walk.outcome;
	else
		miss(g, "the queue could not be read", code, &err);
	return code == ERR_STOPPED ? code : 0;
}

static void read_floods(struct gathered *g, const struct session *s)
{
	struct err err = {{0}};
	int code;

	if (g->status.live.state != LIVE_ANSWERS)
		return;
	code = floods_ask(s, 0, false, &g->floods, &err);
	if (code == 0)
		g->all.floods = g->floods;
	else
		miss(g, "the floods are not known", code, &err);
}

static void read_sums(struct gathered *g, const struct session *s)
{
	struct err err = {{0}};
	int code = sums_read(&s->settings, &interrupt_stop, &g->sums, &err);

	if (code == 0)
		g->all.sums = &g->sums;
	else
		miss(g, "the account could not be read", code, &err);
}

/* The status comes first, since it describes the index before anybody reads it. */
static int gather(struct gathered *g, struct session *s, struct err *err)
{
	walk_init(&g->walk, s, ACTION_LIST);
	progress_show(&g->walk.progress, "asking the daemon and Postfix", 0, 0);
	int code = status_read(&g->status, s, err);

	if (code == 0 && g->status.findings.failed)
		code = err_set(err, -ENOMEM, "out of memory");
	if (code < 0)
		return code;
	g->all.status = &g->status;
	g->all.now = s->options.now;
	read_floods(g, s);
	progress_show(&g->walk.progress, "reading the account", 0, 0);
	read_sums(g, s);
	return read_queue(g, s);
}

static int deliver(const struct options *o, const struct strbuf *text, struct err *err)
{
	if (o->output && o->dry_run)
		say(stdout, "'%s' would be written: %zu bytes.\n", o->output, text->len);
	return out_file_put(o, FILE_MODE, text, err);
}

int verb_metrics(struct session *s, struct err *err)
{
	struct exposition text = {.json = s->options.json};
	struct gathered g = {.part = false};
	int code = gather(&g, s, err);

	if (code == 0 && metrics_put(&g.all, &text) < 0)
		code = err_set(err, -ENOMEM, "out of memory");
	code = code ?: deliver(&s->options, &text.text, err);
	strbuf_release(&text.text);
	json_free(g.floods);
	walk_release(&g.walk);
	status_release(&g.status);
	return code < 0 ? code : g.part ? EXIT_SOME_FAILED : EXIT_DONE;
}
