/* SPDX-License-Identifier: ISC */
#include "purge/report/gather.h"

#include "base/clock.h"
#include "purge/floods/floods.h"
#include "purge/interrupt.h"
#include "purge/report/reselect.h"
#include "purge/standing.h"
#include "purge/tell/wording.h"

#define SECONDS_MOST INT64_C(10000000000)
#define COUNT_MOST   INT64_C(1000000000000)
#define HOUR         (3600 * USEC_PER_SEC)
#define REASON_SIZE  257 /* as long as in the account */

static struct batch *find_batch(const struct gathered *g, uint64_t number)
{
	for (size_t n = 0; n < g->batches.count; n++)
		if (g->batches.list[n].number == number)
			return &g->batches.list[n];
	return NULL;
}

static int no_batch(const struct gathered *g, uint64_t number, struct err *err)
{
	const struct recall *r = &g->recall;

	if (number <= r->highest && r->oldest > number)
		return err_set(err, ERR_USAGE,
		    "the account no longer has batch %" PRIu64
		    ": it was rewritten since, and its oldest batch is %" PRIu64,
		    number, r->oldest);
	return err_set(
	    err, ERR_USAGE, "there is no batch %" PRIu64 "; 'pqpurge-idx log' lists them", number);
}

static struct recall_wish wish_of(const struct options *o)
{
	if (o->batch)
		return (struct recall_wish){.batch = o->batch};
	if (o->flood)
		return (struct recall_wish){.flood = o->flood};
	return (struct recall_wish){.selector = strbuf_text(&o->selected)};
}

/* Root's own directory says which orders still stand. */
static void mark_standing(const struct session *s, struct gathered *g)
{
	AUTO(standings_release) struct standings all = {0};

	standing_read(s, &all);
	for (size_t n = 0; n < all.count; n++) {
		struct batch *b = find_batch(g, all.list[n].number);

		if (b)
			b->state = ACCOUNT_STANDING;
	}
}

static void add_batches(struct gathered *g)
{
	struct incident *i = &g->incident;

	for (size_t n = 0; n < g->recall.count; n++) {
		const struct recalled *r = &g->recall.list[n];
		const struct batch *b = find_batch(g, r->number);

		if (b)
			incident_add_batch(i, b, r);
	}
	if (g->recall.left_out)
		incident_note(i,
		    "%" PRIu64 " older batches belong to it, too; they are left out here.",
		    g->recall.left_out);
	incident_add_messages(i, &g->recall);
}

static void note_doubt(struct gathered *g)
{
	size_t doubt = 0;

	for (size_t n = 0; n < RECALL_EFFECTS; n++)
		doubt += g->recall.doubt[n].count;
	if (doubt)
		incident_note(&g->incident,
		    "A command was stopped while postsuper worked on %zu message%s. The queue does "
		    "not show that postsuper did anything with them.",
		    doubt, doubt == 1 ? "" : "s");
}

static int read_account(struct session *s, struct gathered *g, struct err *err)
{
	const struct recall_wish wish = wish_of(&s->options);
	int code = account_list(&s->settings, &s->postfix, &g->batches, err);

	code = code ?: recall_read(&s->settings, &wish, &interrupt_stop, &g->recall, err);
	code = code ?: recall_settle(&g->recall, &s->postfix, err);
	if (code < 0)
		return code;
	if (wish.batch && !find_batch(g, wish.batch))
		return no_batch(g, wish.batch, err);
	mark_standing(s, g);
	add_batches(g);
	note_doubt(g);
	return 0;
}

static int64_t bounded(const struct json *o, const char *key, int64_t most)
{
	int64_t n = json_int(o, key, 0);

	return n < 0 || n > most ? 0 : n;
}

static void take_flood(const struct json *o, uint32_t id, struct incident_flood *f)
{
	*f = (struct incident_flood){.id = id,
	    .kind = json_words(o, "kind"),
	    .key = json_words(o, "key"),
	    .signal = json_words(o, "signal"),
	    .action = json_words(o, "action"),
	    .mark = json_words(o, "mark"),
	    .since = bounded(o, "since", SECONDS_MOST),
	    .until = bounded(o, "until", SECONDS_MOST),
	    .recipients = bounded(o, "recipients", COUNT_MOST),
	    .messages = bounded(o, "messages", COUNT_MOST),
	    .held = bounded(o, "held", COUNT_MOST),
	    .limit = bounded(o, "limit", COUNT_MOST),
	    .usual = bounded(o, "usual", COUNT_MOST),
	    .expires = bounded(o, "expires", SECONDS_MOST)};
}

/* The given flood, or the one for which the daemon had the batch made; 0: none. */
static uint32_t flood_of(const struct session *s, const struct gathered *g)
{
	const struct batch *b = find_batch(g, s->options.batch);
	uint64_t id = s->options.flood;

	if (!id && b && str_starts(b->token, "flood:") &&
	    str_parse_u64(b->token + strlen("flood:"), 1, UINT32_MAX / 2, &id) < 0)
		id = 0;
	return (uint32_t)id;
}

/* The daemon has answered for --flood already. It may have forgotten a batch's flood. */
static void read_flood(struct session *s, struct gathered *g)
{
	uint32_t id = flood_of(s, g);

	if (!id)
		return;
	if (floods_ask(s, id, true, &g->floods, NULL) == 0)
		take_flood(json_at(g->floods, "floods", 0), id, &g->incident.flood);
	else
		incident_note(&g->incident,
		    "The batch was made for flood %u, which the daemon no longer knows.",
		    (unsigned)id);
}

static void add_rules(struct incident *i, const struct rule_list *rules, int64_t since)
{
	for (size_t n = 0; n < rules->count; n++) {
		const struct rule *r = &rules->list[n];

		if (r->set_time >= since && !rule_expired(r, i->made))
			incident_add_rule(i, r);
	}
}

/* The account does not record `block`, but rules have a time and a user. */
static void read_rules(struct session *s, struct gathered *g)
{
	struct incident *i = &g->incident;
	int64_t began = i->flood.id ? i->flood.since * USEC_PER_SEC : i->began;
	struct err err = {{0}};

	if (began <= 0)
		return;
	if (rulebox_read(&s->client, i->made, NULL, &g->rules, &err) < 0) {
		incident_note(i, "The rules in force could not be read: %s.", err.text);
		return;
	}
	add_rules(i, &g->rules.command, began - HOUR);
	add_rules(i, &g->rules.fleet, began - HOUR);
}

/* An undo has no selection of its own, so it takes that of the hold. */
static const struct batch *selecting_batch(const struct session *s, const struct gathered *g)
{
	const struct batch *b = find_batch(g, s->options.batch);

	for (size_t n = 0; !*b->selector && n < g->incident.acts.count; n++)
		if (*g->incident.acts.list[n].batch->selector)
			b = g->incident.acts.list[n].batch;
	return b;
}

static int select_left(struct session *s, struct gathered *g)
{
	struct options *o = &s->options;
	const struct batch *b;

	if (!o->batch || !selector_is_empty(&o->selector) || o->selector.all || o->flood) {
		strbuf_puts(&g->asked, strbuf_text(&o->selected));
		return 0;
	}
	b = selecting_batch(s, g);
	if (!*b->selector && g->incident.flood.id) {
		strbuf_printf(&g->asked, "--flood=%u", (unsigned)g->incident.flood.id);
		return floods_select_of(s, json_at(g->floods, "floods", 0), &g->why_left);
	}
	strbuf_puts(&g->asked, b->selector);
	return reselect(s, b->selector, b->time, &g->words, &g->why_left);
}

static void add_waiting(struct gathered *g)
{
	for (size_t n = 0; n < g->walk.outcome.count; n++) {
		const struct item *item = &g->walk.outcome.items[n];
		struct message m = candidate_message(item->candidate);
		int64_t arrival = item_arrival(item, &m);

		if (item->result == RESULT_READY)
			incident_add_waiting(&g->incident, arrival, item_size(item, &m),
			    (enum queue_name)item->proof.queue,
			    recall_has(&g->recall, &m.queue_id, arrival));
	}
}

static int add_groups(struct gathered *g, int64_t now, struct err *err)
{
	static const struct {
		enum fact_kind kind;
		enum top_by by;
	} groups[] = {{FACT_SENDERS, TOP_SENDER}, {FACT_RECIPIENTS, TOP_RECIPIENT},
	    {FACT_LOGINS, TOP_LOGIN}, {FACT_CLIENTS, TOP_CLIENT}};

	for (size_t n = 0; n < COUNT_OF(groups); n++) {
		struct top top = {0};
		int code = top_of(
		    &g->walk.outcome, groups[n].by, g->walk.s->settings.login_exact, now, &top);

		for (size_t i = 0; code == 0 && i < top.count; i++)
			incident_add_count(&g->incident, groups[n].kind, COLUMN_WAITING,
			    top.list[i].name, top.list[i].count);
		top_release(&top);
		if (code < 0)
			return err_sys(err, ENOMEM, "failed to group the messages");
	}
	return 0;
}

/* The report is useful without the reasons, too. */
static int add_reasons(const struct session *s, struct gathered *g, struct err *err)
{
	AUTO(why_release) struct why why = {0};
	struct err words = {{0}};
	int code = why_of(&s->postfix, &g->walk.outcome, s->options.now, &why, &words);

	if (code < 0 && code != ERR_STOPPED)
		incident_note(
		    &g->incident, "The reasons why mail waits could not be read: %s.", words.text);
	for (size_t n = 0; code == 0 && n < why.count; n++) {
		char reason[REASON_SIZE];

		str_scrub(reason, sizeof(reason), json_words(why.groups[n], "reason"));
		incident_add_count(&g->incident, FACT_REASONS, COLUMN_WAITING, reason,
		    (uint64_t)bounded(why.groups[n], "recipients", COUNT_MOST));
	}
	return code == ERR_STOPPED ? err_set(err, code, "interrupted") : 0;
}

static int read_queue(
    struct session *s, struct gathered *g, struct progress *progress, struct err *err)
{
	const struct tally *t = &g->walk.outcome.tally;
	int code;

	if (select_left(s, g) < 0) {
		g->incident.left.why = g->why_left.text;
		return 0;
	}
	g->walked = true;
	code = walk_look(&g->walk, s, err);
	if (code < 0)
		return code;
	g->incident.left.known = true;
	add_waiting(g);
	if (t->unreadable)
		incident_note(&g->incident,
		    "%" PRIu64 " queue file%s could not be read, so more mail may be left.",
		    t->unreadable, t->unreadable == 1 ? "" : "s");
	progress_show(progress, "adding up", 0, 0);
	code = add_groups(g, s->options.now, err);
	progress_show(progress, "reading the reasons", 0, 0);
	return code ?: add_reasons(s, g, err);
}

int gather(struct session *s, struct gathered *g, struct err *err)
{
	const struct options *o = &s->options;
	struct incident *i = &g->incident;
	struct progress progress;
	int code;

	*g = (struct gathered){.incident = {.kind = o->batch   ? INCIDENT_BATCH
						    : o->flood ? INCIDENT_FLOOD
							       : INCIDENT_QUEUE,
				   .batch = o->batch,
				   .host = s->postfix.myhostname,
				   .user = s->user,
				   .made = o->now}};
	progress_init(&progress, !o->quiet);
	progress_show(&progress, "reading the account", 0, 0);
	code = read_account(s, g, err);
	if (code == 0) {
		read_flood(s, g);
		read_rules(s, g);
		code = read_queue(s, g, &progress, err);
	}
	progress_end(&progress);
	if (code < 0)
		return code;
	i->asked = strbuf_text(&g->asked);
	if (code == 0 && (incident_close(i) < 0 || g->asked.failed))
		code = err_set(err, -ENOMEM, "out of memory");
	return code;
}

void gathered_release(struct gathered *g)
{
	incident_release(&g->incident);
	if (g->walked)
		walk_release(&g->walk);
	json_free(g->floods);
	rulebox_release(&g->rules);
	recall_release(&g->recall);
	batches_release(&g->batches);
	strbuf_release(&g->asked);
	free(g->words);
}
