/* SPDX-License-Identifier: ISC */
#include "purge/tell/report.h"

struct extra {
	uint64_t active, idle, unscanned;
};

static struct extra count_items(const struct outcome *o)
{
	struct extra x = {0};

	for (size_t i = 0; i < o->count; i++) {
		const struct item *item = &o->items[i];
		bool meant = item->result == RESULT_DONE || item->result == RESULT_READY;

		x.idle += item->idle;
		x.active += meant && item->was_active;
		x.unscanned += meant && candidate_message(item->candidate).flags & MESSAGE_HELD;
	}
	return x;
}

size_t report_counts(const struct report *r, struct count rows[COUNTS_MAX])
{
	const struct outcome *o = r->outcome;
	const struct tally *t = &o->tally;
	const struct action_row *action = &action_rows[r->action];
	enum result done = r->dry_run ? RESULT_READY : RESULT_DONE;
	const struct extra x = count_items(o);
	bool by_author = t->by_envelope || t->by_from_only;
	bool releases = r->action == ACTION_RELEASE || r->action == ACTION_REQUEUE;
	const uint64_t *results = t->results;
	const struct count all[] = {
	    {"matched", NULL, NULL, t->matched, true, false},
	    {r->dry_run ? action->ready_key : action->done, result_word(done, r->action), NULL,
		results[done], true, false},
	    {"gone", "gone", "left the queue before", results[RESULT_GONE], true, false},
	    {"changed", "changed", "the ID now names another message; left alone",
		results[RESULT_CHANGED], true, false},
	    {"unproven", "unproven", "identity could not be proven; left alone",
		results[RESULT_UNPROVEN], true, false},
	    {"failed", "failed", "still there", results[RESULT_FAILED], true, false},
	    {"untouched", "untouched", "not reached before the interruption",
		results[RESULT_UNTOUCHED], o->interrupted, false},
	    {"by_envelope", by_author ? "by envelope" : NULL, NULL, t->by_envelope, true, true},
	    {"by_from_only", by_author ? "by From only" : NULL, NULL, t->by_from_only, true, true},
	    {"given_only", "as given only", "matched by what the client said; queued otherwise",
		t->given_only, false, true},
	    {"from_queue", "from queue", "read from the queue; the index did not know them",
		t->from_queue, true, true},
	    {"joined", "joined", "matched by login or client before a content filter", t->joined,
		true, true},
	    {"unjoined", "unjoined", "back from a filter; login and client are not known",
		t->unjoined, true, true},
	    {"unreadable", "unreadable", "queue files that could not be read", t->unreadable, true,
		true},
	    {"undecided", "undecided", "recipients that could not be read decide", t->undecided,
		false, true},
	    {"limits", "too costly", "an expression hit its match limit; not taken", t->limits,
		false, true},
	    {"bounces", "bounces", "notices that such mail caused", t->bounces, false, true},
	    {"shared", r->recipients_asked ? "shared" : NULL, "also for other recipients",
		t->shared, false, true},
	    {"other_recipients", r->recipients_asked ? "others" : NULL, "those recipients",
		t->other_recipients, r->recipients_asked, true},
	    {"was_active", "was active", "in delivery then: it may be delivered all the same",
		x.active, false, false},
	    {"idle", "idle", releases ? "not in the hold queue" : "in the hold queue already",
		x.idle, false, false},
	    {"foreign", "foreign", "not held by this command; --foreign releases them", o->foreign,
		false, false},
	    {"overdue", "overdue", "past maximal_queue_lifetime: released they bounce", o->overdue,
		false, true},
	    {"unscanned", releases ? "unscanned" : NULL,
		"held by a rule; milters behind ours have not seen them",
		releases ? x.unscanned : 0, false, true},
	    {"arriving", "arriving", "still being received; left alone", t->arriving, false, false},
	    {"maildrop", "in maildrop", "submitted, not queued yet; left alone", t->maildrop, false,
		false},
	    {"bytes", NULL, NULL, t->bytes, true, false},
	    {"rules_set", NULL, NULL, r->rules_set, false, false},
	    {"passes", NULL, NULL, r->swept ? o->passes : 0, false, false},
	};

	_Static_assert(COUNT_OF(all) <= COUNTS_MAX, "COUNTS_MAX is too small");
	memcpy(rows, all, sizeof(all));
	return COUNT_OF(all);
}
