/* SPDX-License-Identifier: ISC */
/* The state of everything, for people: aligned, at most 80 columns. */
#include <inttypes.h>
#include <stdarg.h>

#include "base/clock.h"
#include "purge/status/status.h"
#include "purge/tell/wording.h"

#define LABEL      10
#define GAPS_SHOWN 5 /* the latest */

static void row(FILE *to, const char *label, const char *format, ...) FORMAT(3, 4);
static void row(FILE *to, const char *label, const char *format, ...)
{
	char text[1024], clean[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(to, "%-*s %s\n", LABEL, label, str_scrub(clean, sizeof(clean), text));
}

static void text_daemon(FILE *to, const struct status *st)
{
	static const char *const states[] = {[LIVE_DOWN] = "not running",
	    [LIVE_ANSWERS] = "running",
	    [LIVE_SILENT] = "does not answer",
	    [LIVE_UNKNOWN] = "unknown"};
	const struct live *live = &st->live;
	char since[CLOCK_TEXT_SIZE], recording[8], version[32];

	if (live->state != LIVE_ANSWERS) {
		row(to, "Daemon", "%s", states[live->state]);
		return;
	}
	row(to, "Daemon", "running since %s (process %" PRId64 ", version %s)",
	    clock_text(live_number(live, "started", 0), since, sizeof(since)),
	    live_number(live, "pid", 0), live_text(live, "version", version, sizeof(version)));
	live_text(live, "recording", recording, sizeof(recording));
	row(to, "Recording", "%s since %s; %" PRId64 " recorded, %" PRId64 " lost", recording,
	    clock_text(live_number(live, "since", 0), since, sizeof(since)),
	    live_number(live, "recorded", 0), live_number(live, "lost", 0));
}

static void text_index(FILE *to, const struct status *st)
{
	const struct overview *o = &st->overview;
	char oldest[CLOCK_TEXT_SIZE], file[32], map[32];

	row(to, "Index", "%s", st->s->settings.index_directory);
	if (!st->index_known)
		return;
	if (o->oldest)
		row(to, "", "%" PRIu64 " %s, the oldest of %s", o->messages,
		    wording_messages(o->messages), clock_text(o->oldest, oldest, sizeof(oldest)));
	else
		row(to, "", "no messages");
	row(to, "", "%s on disk; %" PRIu64 "%% of the map of %s in use",
	    str_size_text(o->file_bytes, file, sizeof(file)),
	    o->used_bytes / (o->map_bytes / 100 + 1),
	    str_size_text(o->map_bytes, map, sizeof(map)));
	if (live_number(&st->live, "pruned", 0) > 0)
		row(to, "", "%" PRId64 " dropped for space since the daemon started",
		    live_number(&st->live, "pruned", 0));
}

static void text_gap(FILE *to, const struct gap_span *gap)
{
	char span[MISSING_SPAN_SIZE], missing[64] = "";

	if (gap->count)
		snprintf(missing, sizeof(missing), ", %" PRIu64 " %s", gap->count,
		    wording_messages(gap->count));
	row(to, "", "%s%s", missing_span_text(gap->from, gap->to, span, sizeof(span)), missing);
	wording_fold(to, LABEL + 3, gap->reason);
}

/* Postfix gives up on a milter for the rest of a session: after a stop the index may still miss
 * mail that no gap tells of. */
static void text_sessions(FILE *to, const struct status *st)
{
	char words[160], since[CLOCK_TEXT_SIZE], which[64] = "now";
	int64_t started = live_number(&st->live, "started", 0);

	if (st->live.state != LIVE_DOWN && started <= st->missing.gaps.since)
		return;
	if (st->live.state != LIVE_DOWN)
		snprintf(which, sizeof(which), "since before %s",
		    clock_text(started, since, sizeof(since)));
	snprintf(words, sizeof(words),
	    "SMTP sessions that are open %s are neither recorded nor blocked until they end",
	    which);
	wording_fold(to, LABEL + 1, words);
}

static void text_coverage(FILE *to, const struct status *st)
{
	const struct gaps *gaps = &st->missing.gaps;
	char since[CLOCK_TEXT_SIZE];
	size_t first = gaps->count > GAPS_SHOWN ? gaps->count - GAPS_SHOWN : 0;

	if (!st->missing.gaps_known)
		return;
	if (gaps->since == 0) {
		row(to, "Coverage", "nothing was recorded yet");
		return;
	}
	clock_text(gaps->since, since, sizeof(since));
	if (gaps->count == 0)
		row(to, "Coverage", "complete since %s", since);
	else if (first)
		row(to, "Coverage", "since %s, with %zu gaps; the last %d:", since, gaps->count,
		    GAPS_SHOWN);
	else
		row(to, "Coverage", "since %s, with %zu %s:", since, gaps->count,
		    gaps->count == 1 ? "gap" : "gaps");
	for (size_t n = first; n < gaps->count; n++)
		text_gap(to, &gaps->list[n]);
	text_sessions(to, st);
}

static void text_queue(FILE *to, const struct status *st)
{
	const struct tally *t = &st->outcome.tally;
	const struct missing *m = &st->missing;
	char span[MISSING_SPAN_SIZE];

	row(to, "Queue", "%s of %s", st->postfix.queue_directory, st->postfix.myhostname);
	if (!t->unindexed_known)
		return;
	row(to, "", "%" PRIu64 " %s not in the index", t->unindexed,
	    wording_messages(t->unindexed));
	if (m->from > 0)
		row(to, "", "  arrived %s", missing_span_text(m->from, m->to, span, sizeof(span)));
	if (m->bounces > 0)
		row(to, "", "  %s%" PRIu64 " of them %s", m->sampled ? "at least " : "", m->bounces,
		    m->bounces == 1 ? "is a bounce" : "are bounces");
	if (t->unindexed_maildrop || t->unindexed_arriving)
		row(to, "", "%" PRIu64 " in maildrop, %" PRIu64 " still arriving",
		    t->unindexed_maildrop, t->unindexed_arriving);
}

/* "! words", folded under the words. */
static void text_words(FILE *to, char mark, const char *text)
{
	char words[1024], *folded = NULL;
	size_t size = 0, len;
	FILE *memory = open_memstream(&folded, &size);

	if (!memory)
		return;
	len = strlen(str_scrub(words, sizeof(words) - 1, text));
	words[len] = '.';
	words[len + 1] = '\0';
	wording_fold(memory, 2, words);
	if (fclose(memory) == 0 && size > 0) {
		folded[0] = mark;
		fputs(folded, to);
	}
	free(folded);
}

void status_findings_text(FILE *to, const struct status *st)
{
	for (size_t n = 0; n < st->findings.count; n++) {
		const struct finding *f = &st->findings.list[n];

		text_words(to, f->level == FINDING_FAULT ? '!' : '-', f->words);
		/* Never folded: it is to be copied. */
		if (*f->command)
			fprintf(to, "  type: %s\n", f->command);
	}
}

void status_text(FILE *to, const struct status *st)
{
	text_daemon(to, st);
	text_index(to, st);
	text_coverage(to, st);
	if (st->rules >= 0)
		row(to, "Rules", "%" PRId64 " in force%s", st->rules,
		    st->live.state == LIVE_DOWN ? " when the daemon runs" : "");
	else
		row(to, "Rules", "unknown");
	text_queue(to, st);
	status_findings_text(to, st);
	if (findings_faults(&st->findings) == 0)
		fputs("Nothing is wrong.\n", to);
}
