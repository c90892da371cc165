/* SPDX-License-Identifier: ISC */
#include "purge/metrics/metrics.h"

#include "base/clock.h"
#include "flood/flood.h"
#include "index/control/status.h"
#include "mail/group.h"
#include "postfix/config/bypass.h"
#include "postfix/spool/queue.h"
#include "purge/tell/wording.h"
#include "purge/top/top.h"

enum {
	UP,
	POSTFIX_UP,
	FINDINGS,
	ACCEPTED,
	REFUSED,
	RULES,
	RULES_APPLIED,
	INDEX_ROWS,
	LAST_SYNC,
	FLOODS,
	BATCHES,
	BATCH_MESSAGES,
	QUEUE_READABLE,
	QUEUE_UNREADABLE,
	QUEUE_MESSAGES,
	QUEUE_OLDEST,
	QUEUE_DOMAIN,
};

/* clang-format off */
static const struct metric table[] = {
    [UP] = {"pqpurge_up", "gauge", "Whether pqpurge-milter answers."},
    [POSTFIX_UP] = {"pqpurge_postfix_up", "gauge", "Whether Postfix runs."},
    [FINDINGS] = {"pqpurge_findings", "gauge", "Findings of pqpurge-idx status, by level; a fault is something wrong."},
    [ACCEPTED] = {"pqpurge_accepted_total", "counter", "Messages that passed the daemon since it started, held ones included."},
    [REFUSED] = {"pqpurge_refused_total", "counter", "Answers of rules since the daemon started; held messages count as accepted, too."},
    [RULES] = {"pqpurge_rules", "gauge", "Rules in force; while no daemon runs, stored ones."},
    [RULES_APPLIED] = {"pqpurge_rules_applied", "gauge", "Whether all mail is checked against the rules as they are written."},
    [INDEX_ROWS] = {"pqpurge_index_rows", "gauge", "Messages that the index knows."},
    [LAST_SYNC] = {"pqpurge_last_sync_timestamp_seconds", "gauge", "When the last whole catch-up began; 0 without one."},
    [FLOODS] = {"pqpurge_floods_open", "gauge", "Open incidents of the flood watch, by the kind of their key."},
    [BATCHES] = {"pqpurge_batches_total", "counter", "Batches in the account."},
    [BATCH_MESSAGES] = {"pqpurge_batch_messages_total", "counter", "Messages of all batches in the account, by result."},
    [QUEUE_READABLE] = {"pqpurge_queue_readable", "gauge", "Whether the queue could be read; if not, the metrics below are missing."},
    [QUEUE_UNREADABLE] = {"pqpurge_queue_unreadable", "gauge", "Complete queue files, and directories, that could not be read."},
    [QUEUE_MESSAGES] = {"pqpurge_queue_messages", "gauge", "Messages in the queue of Postfix."},
    [QUEUE_OLDEST] = {"pqpurge_queue_oldest_seconds", "gauge", "Age of the oldest message in the queue; 0 without one."},
    [QUEUE_DOMAIN] = {"pqpurge_queue_domain_messages", "gauge", "Messages in the queue by envelope sender domain, for the largest domains."},
};
/* clang-format on */

/* The daemon may have been taken over. */
static int64_t counter(const struct json *from, const char *key)
{
	int64_t n = json_int(from, key, 0);

	return n > 0 ? n : 0;
}

static bool rules_apply(const struct status *st)
{
	const struct findings *f = &st->findings;
	bool past = false;

	for (size_t n = 0; n < f->count; n++)
		past |= f->list[n].level == FINDING_FAULT && bypass_is_past_rules(&f->list[n]);
	return st->live.state == LIVE_ANSWERS && !past && !st->rules_error[0];
}

static void put_findings(struct exposition *to, const struct findings *f)
{
	int64_t faults = (int64_t)findings_faults(f);

	exposition_begin(to, &table[FINDINGS]);
	exposition_put(to, (const struct label[2]){{"level", "fault"}}, faults);
	exposition_put(to, (const struct label[2]){{"level", "note"}}, (int64_t)f->count - faults);
}

static void put_answers(struct exposition *to, const struct json *live)
{
	static const char *const actions[] = {"reject", "defer", "discard", "hold"};
	const struct json *refused = json_child(live, STATUS_REFUSED);

	exposition_one(to, &table[ACCEPTED], counter(live, STATUS_ACCEPTED));
	exposition_begin(to, &table[REFUSED]);
	for (size_t n = 0; n < COUNT_OF(actions); n++)
		exposition_put(to, (const struct label[2]){{"action", actions[n]}},
		    counter(refused, actions[n]));
}

static void put_status(struct exposition *to, const struct status *st)
{
	exposition_one(to, &table[UP], st->live.state == LIVE_ANSWERS);
	if (st->postfix_runs >= 0)
		exposition_one(to, &table[POSTFIX_UP], st->postfix_runs);
	put_findings(to, &st->findings);
	if (st->live.answer)
		put_answers(to, st->live.answer);
	if (st->rules >= 0)
		exposition_one(to, &table[RULES], st->rules);
	exposition_one(to, &table[RULES_APPLIED], rules_apply(st));
	if (st->index_code < 0)
		return;
	exposition_one(to, &table[INDEX_ROWS], (int64_t)st->counts.rows);
	exposition_one(to, &table[LAST_SYNC], st->counts.caught_up / USEC_PER_SEC);
}

static void put_floods(struct exposition *to, const struct json *floods)
{
	int64_t open[FLOOD_KINDS] = {0};

	for (size_t n = 0; n < json_count(floods, "floods"); n++) {
		enum flood_kind kind;

		if (flood_kind_of(json_words(json_at(floods, "floods", n), "kind"), &kind) == 0)
			open[kind]++;
	}
	exposition_begin(to, &table[FLOODS]);
	for (int kind = 0; kind < FLOOD_KINDS; kind++)
		exposition_put(to,
		    (const struct label[2]){{"kind", flood_kind_word((enum flood_kind)kind)}},
		    open[kind]);
}

static void put_batches(struct exposition *to, const struct sums *sums)
{
	static const enum action actions[SUM_VERBS] = {[SUM_PURGE] = ACTION_DELETE,
	    [SUM_HOLD] = ACTION_HOLD,
	    [SUM_RELEASE] = ACTION_RELEASE,
	    [SUM_UNDO] = ACTION_RELEASE,
	    [SUM_RETRY] = ACTION_RETRY};

	exposition_begin(to, &table[BATCHES]);
	for (size_t v = 0; v < SUM_VERBS; v++)
		exposition_put(to,
		    (const struct label[2]){{"verb", sum_verb_word((enum sum_verb)v)}},
		    (int64_t)sums->verbs[v].batches);
	exposition_begin(to, &table[BATCH_MESSAGES]);
	for (size_t v = 0; v < SUM_VERBS; v++) {
		const struct sum *sum = &sums->verbs[v];
		const struct {
			const char *result;
			uint64_t n;
		} results[] = {{result_word(RESULT_DONE, actions[v]), sum->done},
		    {result_word(RESULT_GONE, actions[v]), sum->gone},
		    {result_word(RESULT_CHANGED, actions[v]), sum->changed},
		    {result_word(RESULT_FAILED, actions[v]), sum->failed}};

		for (size_t n = 0; n < COUNT_OF(results); n++)
			exposition_put(to,
			    (const struct label[2]){{"verb", sum_verb_word((enum sum_verb)v)},
				{"result", results[n].result}},
			    (int64_t)results[n].n);
	}
}

/* Files that cannot be read yet are in incoming or maildrop, as their mode or place shows. */
static void put_queues(struct exposition *to, const struct outcome *queue)
{
	int64_t counts[QUEUE_COUNT] = {0};

	for (unsigned q = 0; q < QUEUE_COUNT; q++) {
		if (queue_at(q) == QUEUE_MAILDROP)
			counts[q] = (int64_t)queue->tally.maildrop;
		if (queue_at(q) == QUEUE_INCOMING)
			counts[q] = (int64_t)queue->tally.arriving;
		for (size_t n = 0; n < queue->count; n++)
			counts[q] += queue->items[n].result == RESULT_READY &&
				     queue->items[n].proof.queue == queue_at(q);
	}
	exposition_begin(to, &table[QUEUE_MESSAGES]);
	for (unsigned q = 0; q < QUEUE_COUNT; q++)
		exposition_put(
		    to, (const struct label[2]){{"queue", queue_word(queue_at(q))}}, counts[q]);
}

static int64_t oldest_age(const struct outcome *queue, int64_t now)
{
	int64_t oldest = now;

	for (size_t n = 0; n < queue->count; n++) {
		struct message m = candidate_message(queue->items[n].candidate);
		int64_t arrival = item_arrival(&queue->items[n], &m);

		if (queue->items[n].result == RESULT_READY && arrival > 0 && arrival < oldest)
			oldest = arrival;
	}
	return (now - oldest) / USEC_PER_SEC;
}

struct named {
	char text[LABEL_MAX];
	uint64_t count;
};

/* Names that look alike after scrubbing become one: two samples with the same labels would make the
 * whole file invalid. */
static size_t name_domains(const struct top *top, struct named ret[METRICS_DOMAINS])
{
	char text[LABEL_MAX];
	size_t count = 0, at;

	for (size_t n = 0; n < top->count; n++) {
		const char *name = top->list[n].name;

		label_text(*name ? name : "(none)", text);
		for (at = 0; at < count && strcmp(ret[at].text, text) != 0;)
			at++;
		if (at == METRICS_DOMAINS)
			break;
		if (at == count)
			ret[count++] = (struct named){.count = 0};
		memcpy(ret[at].text, text, sizeof(text));
		ret[at].count += top->list[n].count;
	}
	return count;
}

static int put_domains(struct exposition *to, const struct outcome *queue, int64_t now)
{
	struct named named[METRICS_DOMAINS];
	AUTO(top_release) struct top top = {0};
	int code = top_of(queue, TOP_SENDER, now, &top);

	if (code == 0) {
		size_t count = name_domains(&top, named);

		exposition_begin(to, &table[QUEUE_DOMAIN]);
		for (size_t n = 0; n < count; n++)
			exposition_put(to, (const struct label[2]){{"domain", named[n].text}},
			    (int64_t)named[n].count);
	}
	return code;
}

static int put_queue(struct exposition *to, const struct outcome *queue, int64_t now)
{
	exposition_one(to, &table[QUEUE_READABLE], queue != NULL);
	if (!queue)
		return 0;
	exposition_one(to, &table[QUEUE_UNREADABLE], (int64_t)queue->tally.unreadable);
	put_queues(to, queue);
	exposition_one(to, &table[QUEUE_OLDEST], oldest_age(queue, now));
	return put_domains(to, queue, now);
}

int metrics_put(const struct metrics *m, struct exposition *to)
{
	put_status(to, m->status);
	if (m->floods)
		put_floods(to, m->floods);
	if (m->sums)
		put_batches(to, m->sums);
	int code = put_queue(to, m->queue, m->now);
	return to->text.failed ? -ENOMEM : code;
}
