/* SPDX-License-Identifier: ISC */
#include "purge/tell/summary.h"
#include "base/json.h"
#include "purge/session.h"
#include "purge/tell/say.h"
#include "purge/tell/wording.h"

#define PROBLEMS_SHOWN 20

int summary_exit(const struct summary *s)
{
	const struct outcome *o = s->outcome;
	const struct tally *t = &o->tally;

	if (o->interrupted)
		return EXIT_INTERRUPTED;
	if (t->results[RESULT_FAILED] || t->results[RESULT_UNPROVEN] || t->unreadable ||
	    t->unjoined || t->undecided || t->limits)
		return EXIT_SOME_FAILED;
	if (o->sweep_cut || o->trouble.text[0])
		return EXIT_SOME_FAILED;
	if (action_rows[s->action].changes && !s->dry_run && !o->accounted)
		return EXIT_SOME_FAILED;
	return EXIT_DONE;
}

void summary_put_counts(FILE *to, const struct summary *s, enum summary_part part)
{
	struct count rows[COUNTS_MAX];
	size_t count = summary_counts(s, rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].label && rows[i].n &&
		    (part == SUMMARY_ALL ||
			!(rows[i].flags & COUNT_PREVIEW) == (part == SUMMARY_REST)))
			say(to,
			    rows[i].note ? "  %-13s %8" PRIu64 "  %s\n" : "  %-13s %8" PRIu64 "\n",
			    rows[i].label, rows[i].n, rows[i].note);
}

static void put_headline(FILE *to, const struct summary *s)
{
	const struct action_row *action = &action_rows[s->action];
	const struct tally *t = &s->outcome->tally;
	uint64_t n = t->results[s->dry_run ? RESULT_READY : RESULT_DONE];
	const char *done = action->done;
	char size[32];

	str_size_text(t->bytes, size, sizeof(size));
	if (s->dry_run)
		say(to, "Would %s %" PRIu64 " %s (%s). Nothing was touched.\n",
		    action_rows[s->action].verb, n, PLURAL(n, "message"), size);
	else
		say(to, "%c%s %" PRIu64 " %s (%s).\n", done[0] - 'a' + 'A', done + 1, n,
		    PLURAL(n, "message"), size);
}

static bool is_empty(const struct summary *s)
{
	struct count rows[COUNTS_MAX];
	size_t count = summary_counts(s, rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].n && (rows[i].label || strcmp(rows[i].key, "matched") == 0))
			return false;
	return true;
}

/* A command for the same settings file. Returns buf. */
static char *command_of(const struct summary *s, const char *words, char *buf, size_t size)
{
	snprintf(buf, size, "pqpurge-idx %s%s%s%s", s->config ? "-c " : "",
	    s->config ? s->config : "", s->config ? " " : "", words);
	return buf;
}

static void put_account(FILE *to, const struct summary *s)
{
	const struct outcome *o = s->outcome;
	uint64_t batch = o->tally.batch;
	char words[40], command[PATH_MAX + 64];

	if (s->swept && !o->sweep_cut)
		say(to, "Passes of the sweep: %u.\n", o->passes);
	snprintf(words, sizeof(words), "undo %" PRIu64, batch);
	if (batch && s->action == ACTION_HOLD)
		say(to, "The account is batch %" PRIu64 "; '%s' releases it again.\n", batch,
		    command_of(s, words, command, sizeof(command)));
	else if (batch)
		say(to, "The account is batch %" PRIu64 ".\n", batch);
}

void summary_text(FILE *to, const struct summary *s)
{
	if (is_empty(s)) {
		say(to, "Nothing matched.\n");
	} else {
		put_headline(to, s);
		/* a dry run's preview showed the others */
		summary_put_counts(to, s,
		    s->dry_run && s->outcome->tally.results[RESULT_READY] ? SUMMARY_REST
									  : SUMMARY_ALL);
	}
	put_account(to, s);
}

/* The command that acts on an unproven message after all. Returns buf. */
static char *forcing_command(
    const struct summary *s, const struct queue_id *id, char *buf, size_t size)
{
	char words[64 + QUEUE_ID_MAX];

	snprintf(words, sizeof(words), "%s --id %s", s->verb ? s->verb : "purge", id->text);
	return command_of(s, words, buf, size);
}

static char *looking_command(
    const struct summary *s, const struct queue_id *id, char *buf, size_t size)
{
	char words[16 + QUEUE_ID_MAX];

	snprintf(words, sizeof(words), "show %s", id->text);
	return command_of(s, words, buf, size);
}

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

static void list_problems(FILE *to, const struct summary *s)
{
	const struct outcome *o = s->outcome;
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
			    to, id.text, result_word(item->result, s->action), item->reason);
	}
	if (seen > PROBLEMS_SHOWN)
		say(to, "  and %" PRIu64 " more; --json lists all\n", seen - PROBLEMS_SHOWN);
	if (*unproven.text && action_rows[s->action].changes)
		say(to, "To look at an unproven one: '%s'.\n",
		    looking_command(s, &unproven, command, sizeof(command)));
	if (*unproven.text && action_rows[s->action].changes)
		say(to, "To %s it nevertheless: '%s'.\n", action_rows[s->action].verb,
		    forcing_command(s, &unproven, command, sizeof(command)));
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

void summary_problems(FILE *to, const struct summary *s)
{
	const struct outcome *o = s->outcome;

	list_problems(to, s);
	list_unreadable(to, o);
	if (o->tally.unjoined)
		say(to, "%" PRIu64 " back from a content filter: login and client are not known.\n",
		    o->tally.unjoined);
	if (o->sweep_cut)
		say(to, "The sweep ended after %u passes; messages still came in.\n", o->passes);
	if (o->interrupted)
		say(to, "Interrupted; the rest was not touched.\n");
	if (o->trouble.text[0]) {
		say(to, "Trouble:\n");
		say_fold(to, 2, o->trouble.text);
	}
}

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

size_t summary_counts(const struct summary *s, struct count rows[COUNTS_MAX])
{
	const struct outcome *o = s->outcome;
	const struct tally *t = &o->tally;
	const struct action_row *action = &action_rows[s->action];
	enum result done = s->dry_run ? RESULT_READY : RESULT_DONE;
	const struct extra x = count_items(o);
	bool by_author = t->by_envelope || t->by_from_only, others = s->recipients_asked;
	bool releases = s->action == ACTION_RELEASE || s->action == ACTION_REQUEUE;
	const uint64_t *results = t->results;
	enum { ALWAYS = COUNT_ALWAYS, PREVIEW = COUNT_PREVIEW, BOTH = ALWAYS | PREVIEW };
	const struct count all[] = {
	    {"matched", NULL, NULL, t->matched, ALWAYS},
	    {s->dry_run ? action->ready_key : action->done, result_word(done, s->action), NULL,
		results[done], ALWAYS},
	    {"gone", "gone", "left the queue before", results[RESULT_GONE], ALWAYS},
	    {"changed", "changed", "the ID now names another message; left alone",
		results[RESULT_CHANGED], ALWAYS},
	    {"unproven", "unproven", "identity could not be proven; left alone",
		results[RESULT_UNPROVEN], ALWAYS},
	    {"failed", "failed", "still there", results[RESULT_FAILED], ALWAYS},
	    {"untouched", "untouched", "not reached before the interruption",
		results[RESULT_UNTOUCHED], o->interrupted ? ALWAYS : 0},
	    {"by_envelope", by_author ? "by envelope" : NULL, NULL, t->by_envelope, BOTH},
	    {"by_from_only", by_author ? "by From only" : NULL, NULL, t->by_from_only, BOTH},
	    {"given_only", "as given only", "matched by what the client said; queued otherwise",
		t->given_only, PREVIEW},
	    {"from_queue", "from queue", "the index did not know them", t->from_queue, BOTH},
	    {"joined", "joined", "matched by login or client before a content filter", t->joined,
		BOTH},
	    {"unjoined", "unjoined", "back from a filter; login and client are not known",
		t->unjoined, BOTH},
	    {"unreadable", "unreadable", "queue files that could not be read", t->unreadable, BOTH},
	    {"undecided", "undecided", "the deciding text could not be read; left alone",
		t->undecided, PREVIEW},
	    {"limits", "too costly", "an expression hit its match limit; no match", t->limits,
		PREVIEW},
	    {"bounces", "bounces", "bounces and delay notices of such mail", t->bounces, PREVIEW},
	    {"shared", others ? "shared" : NULL, "also for other recipients", t->shared, PREVIEW},
	    {"other_recipients", others ? "others" : NULL, "those recipients", t->other_recipients,
		others ? BOTH : PREVIEW},
	    {"was_active", "was active", "in delivery at that time; they may be delivered",
		x.active, 0},
	    {"idle", "idle", releases ? "not in the hold queue" : "in the hold queue already",
		x.idle, 0},
	    {"foreign", "foreign", "not held by this command; --foreign releases them", o->foreign,
		0},
	    {"overdue", "overdue", "past maximal_queue_lifetime; they would bounce", o->overdue,
		PREVIEW},
	    {"unscanned", releases ? "unscanned" : NULL,
		"held by a rule; later milters never saw them", releases ? x.unscanned : 0,
		PREVIEW},
	    {"arriving", "arriving", "still being received; left alone", t->arriving, 0},
	    {"maildrop", "in maildrop", "submitted, not queued yet; left alone", t->maildrop, 0},
	    {"bytes", NULL, NULL, t->bytes, ALWAYS},
	    {"rules_set", NULL, NULL, s->rules_set, 0},
	    {"passes", NULL, NULL, s->swept ? o->passes : 0, 0},
	};

	_Static_assert(COUNT_OF(all) <= COUNTS_MAX, "COUNTS_MAX is too small");
	memcpy(rows, all, sizeof(all));
	return COUNT_OF(all);
}

/* The names and results in JSON are a contract. */
static bool is_listed(const struct summary *s, const struct item *item)
{
	switch (item->result) {
	case RESULT_READY:
		return s->dry_run;
	case RESULT_DONE:
	case RESULT_CHANGED:
	case RESULT_UNPROVEN:
	case RESULT_FAILED:
		return true;
	case RESULT_GONE:
		return s->ids_asked;
	default:
		return false;
	}
}

static void put_true(struct json *o, const char *key, bool value)
{
	if (value)
		json_put_bool(o, key, true);
}

static int item_line(FILE *to, const struct summary *s, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	struct json *o = json_new();
	char command[512];

	json_put_text(o, "queue_id", m.queue_id.text);
	if (!item->unheard)
		wording_put_sender(o, &m);
	json_put_text(o, "result", result_word(item->result, s->action));
	put_true(o, "was_active",
	    item->was_active ||
		(item->result == RESULT_READY && item->proof.queue == QUEUE_ACTIVE));
	if (s->recipients_asked)
		json_put_int(o, "other_recipients", item->other_recipients);
	put_true(o, "from_queue", item->from_queue);
	put_true(o, "bounce", item->bounce);
	json_put_words(o, "reason", item->reason);
	if (item->result == RESULT_UNPROVEN && action_rows[s->action].changes)
		json_put_text(
		    o, "command", forcing_command(s, &m.queue_id, command, sizeof(command)));
	return json_line(to, o);
}

/* 0: there is no account to keep; null: it could not be kept. */
static void put_batch(struct json *o, const struct summary *s)
{
	if (s->dry_run)
		return;
	if (s->outcome->tally.batch || s->outcome->accounted)
		json_put_int(o, "batch", (int64_t)s->outcome->tally.batch);
	else
		json_put_text(o, "batch", NULL);
}

static int summary_line(FILE *to, const struct summary *s)
{
	struct json *o = json_new();
	struct count rows[COUNTS_MAX];
	size_t count = summary_counts(s, rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].n || rows[i].flags & COUNT_ALWAYS)
			json_put_int(o, rows[i].key, (int64_t)rows[i].n);
	json_put_words(o, "trouble", s->outcome->trouble.text);
	put_batch(o, s);
	return json_line_of(to, "summary", o);
}

int summary_json(FILE *to, const struct summary *s)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < s->outcome->count; i++)
		if (is_listed(s, &s->outcome->items[i]))
			code = item_line(to, s, &s->outcome->items[i]);
	return code < 0 ? code : summary_line(to, s);
}
