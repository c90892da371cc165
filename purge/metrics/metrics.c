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
#include "purge/verbs.h"

/* clang-format off */
static const struct metric
    metric_up = {"pqpurge_up", "gauge", "Whether pqpurge-milter answers."},
    metric_postfix_up = {"pqpurge_postfix_up", "gauge", "Whether Postfix runs."},
    metric_findings = {"pqpurge_findings", "gauge", "Findings of pqpurge-idx status, by level; a fault is something wrong."},
    metric_accepted = {"pqpurge_accepted_total", "counter", "Messages that passed the daemon since it started, held ones included."},
    metric_refused = {"pqpurge_refused_total", "counter", "Answers of rules since the daemon started; held messages count as accepted, too."},
    metric_rules = {"pqpurge_rules", "gauge", "Rules in force; while no daemon runs, stored ones."},
    metric_rules_applied = {"pqpurge_rules_applied", "gauge", "Whether all mail is checked against the rules as they are written."},
    metric_index_rows = {"pqpurge_index_rows", "gauge", "Messages that the index knows."},
    metric_last_sync = {"pqpurge_last_sync_timestamp_seconds", "gauge", "When the last whole catch-up began; 0 without one."},
    metric_floods = {"pqpurge_floods_open", "gauge", "Open incidents of the flood watch, by the kind of their key."},
    metric_batches = {"pqpurge_batches_total", "counter", "Batches in the account."},
    metric_batch_messages = {"pqpurge_batch_messages_total", "counter", "Messages of all batches in the account, by result."},
    metric_queue_readable = {"pqpurge_queue_readable", "gauge", "Whether the queue could be read; if not, the metrics below are missing."},
    metric_queue_unreadable = {"pqpurge_queue_unreadable", "gauge", "Complete queue files, and directories, that could not be read."},
    metric_queue_messages = {"pqpurge_queue_messages", "gauge", "Messages in the queue of Postfix."},
    metric_queue_oldest = {"pqpurge_queue_oldest_seconds", "gauge", "Age of the oldest message in the queue; 0 without one."},
    metric_queue_domain = {"pqpurge_queue_domain_messages", "gauge", "Messages in the queue by envelope sender domain, for the largest domains."};
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

	exposition_begin(to, &metric_findings);
	exposition_put(to, (const struct label[2]){{"level", "fault"}}, faults);
	exposition_put(to, (const struct label[2]){{"level", "note"}}, (int64_t)f->count - faults);
}

static void put_answers(struct exposition *to, const struct json *live)
{
	static const char *const actions[] = {"reject", "defer", "discard", "hold"};
	const struct json *refused = json_child(live, STATUS_REFUSED);

	exposition_one(to, &metric_accepted, counter(live, STATUS_ACCEPTED));
	exposition_begin(to, &metric_refused);
	for (size_t n = 0; n < COUNT_OF(actions); n++)
		exposition_put(to, (const struct label[2]){{"action", actions[n]}},
		    counter(refused, actions[n]));
}

static void put_status(struct exposition *to, const struct status *st)
{
	exposition_one(to, &metric_up, st->live.state == LIVE_ANSWERS);
	if (st->postfix_runs >= 0)
		exposition_one(to, &metric_postfix_up, st->postfix_runs);
	put_findings(to, &st->findings);
	if (st->live.answer)
		put_answers(to, st->live.answer);
	if (st->rules >= 0)
		exposition_one(to, &metric_rules, st->rules);
	exposition_one(to, &metric_rules_applied, rules_apply(st));
	if (st->index_code < 0)
		return;
	exposition_one(to, &metric_index_rows, (int64_t)st->counts.rows);
	exposition_one(to, &metric_last_sync, st->counts.caught_up / USEC_PER_SEC);
}

static void put_floods(struct exposition *to, const struct json *floods)
{
	int64_t open[FLOOD_KINDS] = {0};

	for (size_t n = 0; n < json_count(floods, "floods"); n++) {
		enum flood_kind kind;

		if (flood_kind_of(json_words(json_at(floods, "floods", n), "kind"), &kind) == 0)
			open[kind]++;
	}
	exposition_begin(to, &metric_floods);
	for (int kind = 0; kind < FLOOD_KINDS; kind++)
		exposition_put(to,
		    (const struct label[2]){{"kind", flood_kind_word((enum flood_kind)kind)}},
		    open[kind]);
}

static void put_batches(struct exposition *to, const struct sums *sums)
{
	exposition_begin(to, &metric_batches);
	for (size_t v = 0; v < SUM_VERBS; v++)
		exposition_put(to,
		    (const struct label[2]){{"verb", sum_verb_word((enum sum_verb)v)}},
		    (int64_t)sums->verbs[v].batches);
	exposition_begin(to, &metric_batch_messages);
	for (size_t v = 0; v < SUM_VERBS; v++) {
		const struct sum *sum = &sums->verbs[v];
		const struct {
			const char *result;
			uint64_t n;
		} results[] = {{verb_action_row(sum_verb_word((enum sum_verb)v))->done, sum->done},
		    {"gone", sum->gone}, {"changed", sum->changed}, {"failed", sum->failed}};

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
	exposition_begin(to, &metric_queue_messages);
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

/* Names that look alike after scrubbing become one: two samples with the same labels would make the
 * whole file invalid. */
static int put_domains(struct exposition *to, const struct outcome *queue, int64_t now)
{
	AUTO(labels_release) struct labels names = {.value_size = sizeof(uint64_t)};
	AUTO(top_release) struct top top = {0};
	int code = top_of(queue, TOP_SENDER, true, now, &top);
	char text[LABEL_MAX];
	size_t at;

	for (size_t n = 0; code == 0 && n < top.count; n++) {
		label_text(*top.list[n].name ? top.list[n].name : "(none)", text);
		code = labels_number(&names, text, METRICS_DOMAINS, &at);
		if (code == 0)
			((uint64_t *)names.values)[at] += top.list[n].count;
	}
	if (code < 0 && code != ERR_LIMIT)
		return code;
	exposition_begin(to, &metric_queue_domain);
	for (size_t n = 0; n < names.count; n++)
		exposition_put(to, (const struct label[2]){{"domain", labels_at(&names, n)}},
		    (int64_t)((uint64_t *)names.values)[n]);
	return 0;
}

static int put_queue(struct exposition *to, const struct outcome *queue, int64_t now)
{
	exposition_one(to, &metric_queue_readable, queue != NULL);
	if (!queue)
		return 0;
	exposition_one(to, &metric_queue_unreadable, (int64_t)queue->tally.unreadable);
	put_queues(to, queue);
	exposition_one(to, &metric_queue_oldest, oldest_age(queue, now));
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
