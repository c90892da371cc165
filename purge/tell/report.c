/* SPDX-License-Identifier: ISC */
/* An outcome in sentences, and its exit status. */
#include "purge/tell/report.h"

#include <inttypes.h>

#include "purge/options.h"
#include "purge/session.h"
#include "purge/tell/scan_words.h"
#include "purge/tell/wording.h"

#define PROBLEMS_SHOWN 20

static uint64_t count_strangers(const struct report *r, bool gone)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->stranger_count; i++)
		n += r->strangers[i].gone == gone;
	return n;
}

uint64_t report_count(const struct report *r, enum result result)
{
	uint64_t n = r->outcome->tally.results[result];

	if (result == RESULT_GONE)
		n += count_strangers(r, true);
	if (result == RESULT_UNPROVEN)
		n += count_strangers(r, false);
	return n;
}

uint64_t report_matched(const struct report *r)
{
	return r->outcome->tally.matched + count_strangers(r, false);
}

static enum result done_result(const struct report *r)
{
	return r->dry_run ? RESULT_READY : RESULT_DONE;
}

int report_exit(const struct report *r)
{
	const struct outcome *o = r->outcome;

	if (o->interrupted)
		return EXIT_INTERRUPTED;
	if (report_count(r, RESULT_FAILED) || report_count(r, RESULT_UNPROVEN) || r->sweep_cut)
		return EXIT_SOME_FAILED;
	if (o->tally.damaged || o->candidates.limits || o->trouble.text[0])
		return EXIT_SOME_FAILED;
	return EXIT_DONE;
}

static const char *past(enum action action)
{
	const char *word = result_word(RESULT_DONE, action);

	return word ? word : "";
}

uint64_t report_idle(const struct report *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->outcome->count; i++)
		n += r->outcome->items[i].idle;
	return n;
}

static void text_headline(FILE *to, const struct report *r)
{
	const struct tally *t = &r->outcome->tally;
	uint64_t n = report_count(r, done_result(r));
	char size[32];

	if (report_matched(r) == 0 && report_count(r, RESULT_GONE) == 0 && r->foreign == 0 &&
	    report_idle(r) == 0)
		fputs("Nothing matched.\n", to);
	else if (r->dry_run)
		fprintf(to, "Would %s %" PRIu64 " %s (%s). Nothing was touched.\n",
		    wording_verb(r->action), n, wording_messages(n),
		    str_size_text(t->bytes, size, sizeof(size)));
	else
		fprintf(to, "%c%s %" PRIu64 " %s (%s).\n", past(r->action)[0] - 'a' + 'A',
		    past(r->action) + 1, n, wording_messages(n),
		    str_size_text(t->bytes, size, sizeof(size)));
}

struct count_row {
	enum result result;
	const char *words;
};

static void text_counts(FILE *to, const struct report *r)
{
	static const struct count_row rows[] = {
	    {RESULT_GONE, "had left the queue before"},
	    {RESULT_CHANGED, "the ID now names another message; left alone"},
	    {RESULT_UNPROVEN, "identity could not be proven; left alone"},
	    {RESULT_FAILED, "still there"},
	    {RESULT_UNTOUCHED, "not reached before the interruption"},
	};
	enum result done = done_result(r);

	fprintf(to, "  %-13s %8" PRIu64 "\n", result_word(done, r->action), report_count(r, done));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t n = report_count(r, rows[i].result);

		if (n)
			fprintf(to, "  %-13s %8" PRIu64 "  %s\n",
			    result_word(rows[i].result, r->action), n, rows[i].words);
	}
}

static void text_matched(FILE *to, const struct report *r)
{
	const struct tally *t = &r->outcome->tally;
	uint64_t active = 0, idle = report_idle(r);

	if (t->by_envelope || t->by_from_only)
		fprintf(to,
		    "%" PRIu64 " matched by envelope sender, %" PRIu64 " by header From only.\n",
		    t->by_envelope, t->by_from_only);
	scan_words_text(to, t);
	for (size_t i = 0; i < r->outcome->count; i++)
		active +=
		    r->outcome->items[i].result == RESULT_DONE && r->outcome->items[i].was_active;
	if (active)
		fprintf(to,
		    "%" PRIu64
		    " %s being delivered; a delivery that had begun may still finish%s.\n",
		    active, active == 1 ? "was" : "were",
		    r->action == ACTION_HOLD ? ",\nand a release could then send it twice" : "");
	if (r->recipients_asked && t->shared)
		fprintf(to, "%" PRIu64 " %s also for %" PRIu64 " other %s.\n", t->shared,
		    t->shared == 1 ? "was" : "were", t->other_recipients,
		    t->other_recipients == 1 ? "recipient" : "recipients");
	if (idle)
		fprintf(to, "%" PRIu64 " %s %sin the hold queue%s.\n", idle,
		    idle == 1 ? "is" : "are", r->action == ACTION_HOLD ? "" : "not ",
		    r->action == ACTION_HOLD ? " already" : "");
	if (r->foreign)
		fprintf(to,
		    "%" PRIu64 " %s not held by this command and %s; --foreign releases %s, too.\n",
		    r->foreign, r->foreign == 1 ? "was" : "were",
		    r->foreign == 1 ? "stays" : "stay", r->foreign == 1 ? "it" : "them");
}

static void text_unindexed(FILE *to, const struct tally *t)
{
	if (!t->unindexed_known) {
		fputs("How many messages in the queue are not in the index could not be counted.\n",
		    to);
		return;
	}
	if (t->unindexed_maildrop || t->unindexed_arriving)
		fprintf(to,
		    "%" PRIu64 " in maildrop and %" PRIu64
		    " still arriving are not in the index yet.\n",
		    t->unindexed_maildrop, t->unindexed_arriving);
}

/* Whether a sweep went on until a pass found nothing. */
static bool swept_clean(const struct report *r)
{
	return !r->outcome->interrupted && !r->outcome->trouble.text[0] &&
	       report_count(r, RESULT_FAILED) == 0;
}

static void text_account(FILE *to, const struct report *r)
{
	const struct tally *t = &r->outcome->tally;

	if (r->passes && !r->sweep_cut)
		fprintf(to, "The sweep took %u %s%s.\n", r->passes,
		    r->passes == 1 ? "pass" : "passes",
		    swept_clean(r) ? "; the last one found nothing more" : "");
	if (t->batch && r->action == ACTION_HOLD)
		fprintf(to,
		    "The account is batch %" PRIu64 "; 'pqpurge-idx undo %" PRIu64
		    "' releases it again.\n",
		    t->batch, t->batch);
	else if (t->batch)
		fprintf(to, "The account is batch %" PRIu64 ".\n", t->batch);
}

void report_text(FILE *to, const struct report *r)
{
	text_headline(to, r);
	if (report_matched(r) || report_count(r, RESULT_GONE))
		text_counts(to, r);
	text_matched(to, r);
	text_unindexed(to, &r->outcome->tally);
	text_account(to, r);
}

/* One entry of a list that ends after the first 20. */
static void problem_line(
    FILE *to, uint64_t *shown, const char *id, const char *word, const char *reason)
{
	if ((*shown)++ >= PROBLEMS_SHOWN)
		return;
	if (!reason || !*reason)
		fprintf(to, "  %s %s\n", id, word);
	else if (strlen(id) + strlen(word) + strlen(reason) + 5 <= WORDING_WIDTH)
		fprintf(to, "  %s %s: %s\n", id, word, reason);
	else {
		fprintf(to, "  %s %s:\n", id, word);
		wording_fold(to, 4, reason);
	}
}

static void problem_list(FILE *to, const struct report *r)
{
	const struct outcome *o = r->outcome;
	uint64_t shown = 0;

	for (size_t i = 0; i < o->count; i++) {
		const struct item *item = &o->items[i];

		if (item->result == RESULT_CHANGED || item->result == RESULT_UNPROVEN ||
		    item->result == RESULT_FAILED)
			problem_line(to, &shown, candidate_id(item->candidate).text,
			    result_word(item->result, r->action), item->reason);
	}
	for (size_t i = 0; i < r->stranger_count; i++)
		if (!r->strangers[i].gone)
			problem_line(to, &shown, r->strangers[i].queue_id.text, "unproven",
			    "not in the index");
	if (shown > PROBLEMS_SHOWN)
		fprintf(to, "  and %" PRIu64 " more; --json lists all\n", shown - PROBLEMS_SHOWN);
}

void report_problems(FILE *to, const struct report *r)
{
	const struct outcome *o = r->outcome;

	problem_list(to, r);
	if (report_count(r, RESULT_UNPROVEN) && option_exists("scan"))
		fputs("--scan reads the queue files of what is unproven.\n", to);
	if (o->tally.damaged)
		fprintf(to, "%" PRIu64 " damaged %s of the index could not be read.\n",
		    o->tally.damaged, o->tally.damaged == 1 ? "row" : "rows");
	if (o->candidates.limits)
		fprintf(to, "An expression was too costly for %u %s; they were not taken.\n",
		    o->candidates.limits, wording_messages(o->candidates.limits));
	if (r->sweep_cut)
		fprintf(
		    to, "The sweep ended after %u passes while messages still came.\n", r->passes);
	if (o->interrupted)
		fputs("Interrupted; the rest was not touched.\n", to);
	if (o->trouble.text[0]) {
		fputs("Trouble:\n", to);
		wording_fold(to, 2, o->trouble.text);
	}
}
