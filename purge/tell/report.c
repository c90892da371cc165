/* SPDX-License-Identifier: ISC */
#include "purge/tell/report.h"

#include "purge/session.h"
#include "purge/tell/say.h"

#define PROBLEMS_SHOWN 20

int report_exit(const struct report *r)
{
	const struct outcome *o = r->outcome;
	const struct tally *t = &o->tally;

	if (o->interrupted)
		return EXIT_INTERRUPTED;
	if (t->results[RESULT_FAILED] || t->results[RESULT_UNPROVEN] || t->unreadable ||
	    t->unjoined || t->undecided || t->limits)
		return EXIT_SOME_FAILED;
	if (o->sweep_cut || o->trouble.text[0])
		return EXIT_SOME_FAILED;
	if (action_rows[r->action].changes && !r->dry_run && !o->accounted)
		return EXIT_SOME_FAILED;
	return EXIT_DONE;
}

void report_put_counts(FILE *to, const struct report *r, enum report_part part)
{
	struct count rows[COUNTS_MAX];
	size_t count = report_counts(r, rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].label && rows[i].n &&
		    (part == REPORT_ALL || rows[i].preview == (part == REPORT_PREVIEW)))
			say(to,
			    rows[i].note ? "  %-13s %8" PRIu64 "  %s\n" : "  %-13s %8" PRIu64 "\n",
			    rows[i].label, rows[i].n, rows[i].note);
}

static void put_headline(FILE *to, const struct report *r)
{
	const struct action_row *action = &action_rows[r->action];
	const struct tally *t = &r->outcome->tally;
	uint64_t n = t->results[r->dry_run ? RESULT_READY : RESULT_DONE];
	const char *done = action->done;
	char size[32];

	str_size_text(t->bytes, size, sizeof(size));
	if (r->dry_run)
		say(to, "Would %s %" PRIu64 " %s (%s). Nothing was touched.\n",
		    action_rows[r->action].verb, n, PLURAL(n, "message"), size);
	else
		say(to, "%c%s %" PRIu64 " %s (%s).\n", done[0] - 'a' + 'A', done + 1, n,
		    PLURAL(n, "message"), size);
}

static bool is_empty(const struct report *r)
{
	struct count rows[COUNTS_MAX];
	size_t count = report_counts(r, rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].n && (rows[i].label || strcmp(rows[i].key, "matched") == 0))
			return false;
	return true;
}

static void put_account(FILE *to, const struct report *r)
{
	const struct outcome *o = r->outcome;
	uint64_t batch = o->tally.batch;

	if (r->swept && !o->sweep_cut)
		say(to, "Passes of the sweep: %u.\n", o->passes);
	if (batch && r->action == ACTION_HOLD)
		say(to,
		    "The account is batch %" PRIu64 "; 'pqpurge-idx undo %" PRIu64
		    "' releases it again.\n",
		    batch, batch);
	else if (batch)
		say(to, "The account is batch %" PRIu64 ".\n", batch);
}

void report_text(FILE *to, const struct report *r)
{
	if (is_empty(r)) {
		say(to, "Nothing matched.\n");
	} else {
		put_headline(to, r);
		/* a dry run's preview told the others */
		report_put_counts(to, r,
		    r->dry_run && r->outcome->tally.results[RESULT_READY] ? REPORT_REST
									  : REPORT_ALL);
	}
	put_account(to, r);
}

char *report_force(const struct report *r, const struct queue_id *id, char *buf, size_t size)
{
	snprintf(buf, size, "pqpurge-idx %s%s%s%s --id %s", r->config ? "-c " : "",
	    r->config ? r->config : "", r->config ? " " : "", r->verb ? r->verb : "purge",
	    id->text);
	return buf;
}

/* "  ID word: reason", folded. */
static void put_problem(FILE *to, const char *id, const char *word, const char *reason)
{
	if (!reason || !*reason)
		say(to, "  %s %s\n", id, word);
	else if (strlen(id) + strlen(word) + strlen(reason) + 5 <= SAY_WIDTH)
		say(to, "  %s %s: %s\n", id, word, reason);
	else {
		say(to, "  %s %s:\n", id, word);
		say_fold(to, 4, reason);
	}
}

static bool is_problem(const struct item *item)
{
	return item->result == RESULT_CHANGED || item->result == RESULT_UNPROVEN ||
	       item->result == RESULT_FAILED;
}

static void list_problems(FILE *to, const struct report *r)
{
	const struct outcome *o = r->outcome;
	struct queue_id unproven = {""};
	uint64_t seen = 0;
	char command[512];

	for (size_t i = 0; i < o->count; i++) {
		const struct item *item = &o->items[i];
		struct queue_id id;

		if (!is_problem(item))
			continue;
		id = candidate_id(item->candidate);
		if (item->result == RESULT_UNPROVEN && !*unproven.text)
			unproven = id;
		if (seen++ < PROBLEMS_SHOWN)
			put_problem(
			    to, id.text, result_word(item->result, r->action), item->reason);
	}
	if (seen > PROBLEMS_SHOWN)
		say(to, "  and %" PRIu64 " more; --json lists all\n", seen - PROBLEMS_SHOWN);
	if (*unproven.text && action_rows[r->action].changes)
		say(to, "To look at an unproven one: 'pqpurge-idx show %s'.\n", unproven.text);
	if (*unproven.text && action_rows[r->action].changes)
		say(to, "To %s it all the same: '%s'.\n", action_rows[r->action].verb,
		    report_force(r, &unproven, command, sizeof(command)));
}

static void list_unreadable(FILE *to, const struct outcome *o)
{
	struct strlist names = strlist_of(&o->unreadable);
	uint32_t shown = 0;

	strlist_each (name, &names) {
		if (shown++ == PROBLEMS_SHOWN)
			break;
		say(to, "Could not be read: %s\n", name);
	}
	if (names.count > PROBLEMS_SHOWN)
		say(to, "and %" PRIu32 " more.\n", names.count - PROBLEMS_SHOWN);
}

void report_problems(FILE *to, const struct report *r)
{
	const struct outcome *o = r->outcome;

	list_problems(to, r);
	list_unreadable(to, o);
	if (o->tally.unjoined)
		say(to, "%" PRIu64 " back from a content filter: login and client are not known.\n",
		    o->tally.unjoined);
	if (o->sweep_cut)
		say(to, "The sweep ended after %u passes while messages still came.\n", o->passes);
	if (o->interrupted)
		say(to, "Interrupted; the rest was not touched.\n");
	if (o->trouble.text[0]) {
		say(to, "Trouble:\n");
		say_fold(to, 2, o->trouble.text);
	}
}
