/* SPDX-License-Identifier: ISC */
/* What is in the queue and not in the index, in words and as JSON. */
#include "purge/status/missing.h"

#include <inttypes.h>

#include "base/clock.h"
#include "index/overview.h"
#include "purge/options.h"
#include "purge/status/live.h"
#include "purge/tell/wording.h"

#define LIVE_WAIT  USEC_PER_SEC
#define COUNT_WAIT USEC_PER_SEC
#define COUNT_MAX  (600 * USEC_PER_SEC)
#define STOP_WAIT  (USEC_PER_SEC / 10) /* how soon an interruption is heeded */

void missing_make(const struct outcome *outcome, struct gaps *gaps, struct missing *ret)
{
	struct missing m = {.gaps = *gaps};

	*gaps = (struct gaps){0};
	m.sampled = outcome->unseen_count < outcome->tally.unindexed;
	for (size_t n = 0; n < outcome->unseen_count; n++) {
		const struct arrival *a = &outcome->unseen[n];

		if (a->time < 0) {
			m.sampled = true;
			continue;
		}
		if (m.from == 0 || a->time < m.from)
			m.from = a->time;
		if (a->time > m.to)
			m.to = a->time;
		if (a->null_sender && !a->from_client)
			m.bounces++;
		else if (gaps_find(&m.gaps, a->time))
			m.in_gaps++;
		else if (m.gaps.since && a->time < m.gaps.since)
			m.before++;
		else if (m.gaps.since && a->from_client)
			m.bypassed++;
	}
	*ret = m;
}

/* The gaps of the index as it is now, and the last sync's count. */
static bool read_gaps(const char *directory, struct gaps *gaps, struct synced *synced)
{
	struct overview overview = {0};
	char reason[COVERAGE_REASON_MAX + 1];
	struct live live;
	bool known = false;

	live_read(directory, LIVE_WAIT, &live);
	if (overview_read(directory, &overview, NULL) == 0) {
		struct gaps_now now = live_now(&live, overview.last_sign, reason, sizeof(reason));

		known = gaps_make(overview.coverage, overview.coverage_count, &now, gaps) == 0;
		*synced = overview.synced;
	}
	/* What a daemon that does not answer misses, nobody knows. */
	if (live.state != LIVE_ANSWERS)
		*synced = (struct synced){0};
	overview_release(&overview);
	live_release(&live);
	return known;
}

static bool take_last_sync(const char *directory, struct tally *t)
{
	struct synced synced = {0};
	struct gaps gaps = {0};
	/* A count of the future is one of before the clock was set back. */
	bool holds = read_gaps(directory, &gaps, &synced) && synced_holds(&synced, &gaps) &&
		     synced.time <= clock_wall();

	gaps_release(&gaps);
	if (!holds)
		return false;
	t->unindexed = synced.unindexed;
	t->unindexed_maildrop = synced.maildrop;
	t->unindexed_arriving = synced.arriving;
	t->unindexed_as_of = synced.time;
	t->unindexed_known = true;
	return true;
}

void missing_count(const struct order *order, struct outcome *outcome)
{
	int64_t end = clock_steady() + COUNT_MAX;
	bool done = order_count_unindexed(order, outcome, COUNT_WAIT);

	if (!done && !order->scan)
		done = take_last_sync(order->settings->index_directory, &outcome->tally);
	while (!done && !(order->stop && *order->stop) && clock_steady() < end)
		done = order_count_unindexed(order, outcome, STOP_WAIT);
}

void missing_read(const char *directory, const struct outcome *outcome, struct missing *ret)
{
	struct synced ignored;
	struct gaps gaps = {0};
	bool known;

	*ret = (struct missing){0};
	if (outcome->tally.unindexed == 0)
		return;
	known = read_gaps(directory, &gaps, &ignored);
	missing_make(outcome, &gaps, ret);
	ret->gaps_known = known;
}

void missing_release(struct missing *m)
{
	gaps_release(&m->gaps);
	*m = (struct missing){0};
}

bool missing_touches(const struct missing *m, const struct gap_span *gap)
{
	return m->from > 0 && gap->from <= m->to && (gap->to == 0 || gap->to >= m->from);
}

char *missing_span_text(int64_t from, int64_t to, char *buf, size_t size)
{
	char begin[CLOCK_TEXT_SIZE], end[CLOCK_TEXT_SIZE];
	size_t day = strlen("2026-11-23 ");

	clock_text(from, begin, sizeof(begin));
	clock_text(to, end, sizeof(end));
	if (to == 0)
		snprintf(buf, size, "since %s", begin);
	else if (strcmp(begin, end) == 0)
		snprintf(buf, size, "%s", begin);
	else
		snprintf(
		    buf, size, "%s to %s", begin, strncmp(begin, end, day) == 0 ? end + day : end);
	return buf;
}

/* Why the newest of them is missing, as far as a gap tells. */
static const char *reason_of(const struct missing *m)
{
	for (size_t n = m->gaps.count; m->in_gaps > 0 && n > 0; n--)
		if (missing_touches(m, &m->gaps.list[n - 1]))
			return m->gaps.list[n - 1].reason;
	return "";
}

void missing_line(FILE *to, const struct tally *t, const struct missing *m, bool scanned)
{
	char span[MISSING_SPAN_SIZE], reason[COVERAGE_REASON_MAX + 1];

	if (!t->unindexed_known || t->unindexed == 0)
		return;
	fprintf(to, "%" PRIu64 " %s in the queue %s not in the index", t->unindexed,
	    wording_messages(t->unindexed), t->unindexed == 1 ? "is" : "are");
	if (m->from > 0)
		fprintf(to, " (arrived %s", missing_span_text(m->from, m->to, span, sizeof(span)));
	if (m->from > 0 && m->bounces > 0)
		fprintf(to, "; %s%" PRIu64 " %s", m->sampled ? "at least " : "", m->bounces,
		    m->bounces == 1 ? "is a bounce" : "are bounces");
	if (m->from > 0 && *reason_of(m))
		fprintf(to, "; %s", str_scrub(reason, sizeof(reason), reason_of(m)));
	if (m->from > 0)
		fputc(')', to);
	if (t->unindexed_as_of)
		fprintf(to, " (counted by sync at %s)",
		    clock_text(t->unindexed_as_of, span, sizeof(span)));
	if (!scanned)
		fprintf(to, "; --scan looks at %s, too", t->unindexed == 1 ? "it" : "them");
	fputs(".\n", to);
}

struct json *missing_gap(const struct gap_span *gap)
{
	struct json *o = json_new();

	json_put_int(o, "from", gap->from / USEC_PER_SEC);
	if (gap->to)
		json_put_int(o, "to", gap->to / USEC_PER_SEC);
	else
		json_put_null(o, "to");
	json_put_text(o, "reason", gap->reason);
	json_put_int(o, "count", (int64_t)gap->count);
	return o;
}

void missing_put(struct json *o, const struct tally *t, const struct missing *m)
{
	struct json *list;

	if (!t->unindexed_known || t->unindexed == 0)
		return;
	if (m->from > 0) {
		json_put_int(o, "unindexed_oldest", m->from / USEC_PER_SEC);
		json_put_int(o, "unindexed_newest", m->to / USEC_PER_SEC);
		json_put_int(o, "unindexed_bounces", (int64_t)m->bounces);
		json_put_int(o, "unindexed_in_gaps", (int64_t)m->in_gaps);
		json_put_int(o, "unindexed_bypassed", (int64_t)m->bypassed);
	}
	if (!m->gaps_known)
		return;
	list = json_new_array();
	for (size_t n = 0; n < m->gaps.count; n++)
		if (missing_touches(m, &m->gaps.list[n]))
			json_append(list, missing_gap(&m->gaps.list[n]));
	json_put(o, "coverage_gaps", list);
}
