/* SPDX-License-Identifier: ISC */
/* The state of everything, for people: aligned, at most 80 columns. */
#include <inttypes.h>

#include "base/clock.h"
#include "purge/status/status.h"
#include "purge/tell/say.h"

#define LABEL 10

static void row(FILE *to, const char *label, const char *format, ...) FORMAT(3, 4);
static void row(FILE *to, const char *label, const char *format, ...)
{
	va_list values;

	say(to, "%-*s ", LABEL, label);
	va_start(values, format);
	say_list(to, format, values);
	va_end(values);
	say(to, "\n");
}

static void text_daemon(FILE *to, const struct status *st)
{
	static const char *const states[] = {[LIVE_DOWN] = "not running",
	    [LIVE_SILENT] = "does not answer",
	    [LIVE_DEAF] = "runs, but cannot be reached",
	    [LIVE_UNKNOWN] = "unknown"};
	const struct json *live = st->live.answer;
	const char *version = json_text(live, "version");
	char since[CLOCK_TEXT_SIZE];

	if (!live) {
		row(to, "Daemon", "%s", states[st->live.state]);
		return;
	}
	row(to, "Daemon", "running since %s (process %" PRId64 ", version %s)",
	    clock_text(json_int(live, "started", 0), since, sizeof(since)),
	    json_int(live, "pid", 0), version ? version : "unknown");
	if (json_bool(live, "recording", false))
		row(to, "", "recorded %" PRId64 ", left out %" PRId64,
		    json_int(live, "recorded", 0), json_int(live, "lost", 0));
	else
		row(to, "", "does not record");
}

static void text_index(FILE *to, const struct status *st)
{
	const struct index_counts *c = &st->counts;
	int64_t ago = st->s->options.now - c->caught_up;
	char used[32], map[32], span[CLOCK_TEXT_SIZE];

	row(to, "Index", "%s", st->s->settings.index_directory);
	if (st->index_code != 0)
		return;
	row(to, "", "%" PRIu64 " rows, %s of %s used", c->rows,
	    str_size_text(c->used_bytes, used, sizeof(used)),
	    str_size_text(c->map_bytes, map, sizeof(map)));
	if (c->evicted)
		row(to, "", "%" PRIu64 " of the oldest rows dropped for room", c->evicted);
	if (c->caught_up)
		row(to, "", "last catch-up %s ago",
		    clock_span_text(ago > 0 ? ago : 0, span, sizeof(span)));
	else
		row(to, "", "no catch-up yet");
}

static void text_postfix(FILE *to, const struct status *st)
{
	row(to, "Postfix", "%s",
	    st->postfix_runs > 0    ? "running"
	    : st->postfix_runs == 0 ? "not running"
				    : "unknown");
	row(to, "", "%s of %s", st->postfix.queue_directory, st->postfix.myhostname);
}

static void text_rules(FILE *to, const struct status *st)
{
	if (st->rules < 0)
		row(to, "Rules", "unknown");
	else
		row(to, "Rules", "%" PRId64 " %s", st->rules,
		    st->live.state == LIVE_DOWN ? "when the daemon runs" : "in force");
}

/* "! words", folded under the words. */
static void put_finding(FILE *to, const struct finding *f)
{
	struct strbuf words = {0};

	strbuf_printf(&words, "%s.", f->words);
	say(to, "%c ", f->level == FINDING_FAULT ? '!' : '-');
	say_fold_from(to, 2, strbuf_text(&words));
	strbuf_release(&words);
	/* Never folded: it is to be copied. */
	if (*f->command)
		say(to, "  type: %s\n", f->command);
}

void status_findings_text(FILE *to, const struct status *st)
{
	for (size_t n = 0; n < st->findings.count; n++)
		put_finding(to, &st->findings.list[n]);
}

void status_text(FILE *to, const struct status *st)
{
	text_daemon(to, st);
	text_postfix(to, st);
	text_index(to, st);
	text_rules(to, st);
	status_findings_text(to, st);
	if (findings_faults(&st->findings) == 0)
		say(to, "Nothing is wrong.\n");
}
