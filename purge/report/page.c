/* SPDX-License-Identifier: ISC */
#include "purge/report/page.h"

#include "base/clock.h"
#include "purge/report/html.h"

#define ROWS_SHOWN    25 /* of a table */
#define MINUTES_SHOWN 1500

#define PLURAL_OF(n) ((n) == 1 ? "" : "s")

static const struct batch *batch_of(const struct incident *i)
{
	for (size_t n = 0; n < i->acts.count; n++)
		if (i->acts.list[n].batch->number == i->batch)
			return i->acts.list[n].batch;
	return NULL;
}

static void put_title(const struct incident *i, struct strbuf *h)
{
	const struct batch *b = i->kind == INCIDENT_BATCH ? batch_of(i) : NULL;

	if (b)
		html_format(h, "Batch %" PRIu64 ": %s, %" PRIu64 " message%s", b->number, b->verb,
		    b->done, PLURAL_OF(b->done));
	else if (i->kind == INCIDENT_FLOOD)
		html_format(
		    h, "Flood %u: %s %s", (unsigned)i->flood.id, i->flood.kind, i->flood.key);
	else if (*i->asked)
		html_format(h, i->acts.count ? "Incident: %s" : "Mail in the queue: %s", i->asked);
	else
		html_text(h, "All mail in the queue");
}

/* style-src names the hash of our one style. Nothing else is allowed, whatever a text contains. */
static void put_head(const struct incident *i, struct strbuf *h)
{
	html_put(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		    "base-uri 'none'; form-action 'none'; style-src '" PAGE_STYLE_HASH "'\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n"
		    "<meta name=\"robots\" content=\"noindex\">\n<title>");
	put_title(i, h);
	html_put(h, "</title>\n<style>");
	html_put(h, page_style);
	html_put(h, "</style>\n</head>\n<body>\n<main>\n<header>\n<p class=\"kind\">");
	html_format(h, "pqpurge report of %s", i->host);
	html_put(h, "</p>\n<h1>");
	put_title(i, h);
	html_put(h, "</h1>\n<p class=\"small\">Made ");
	html_time(h, i->made);
	html_format(h, " by %s.", i->user);
	html_put(h, " Every time is given with its zone.</p>\n</header>\n");
}

static void put_tile(struct strbuf *h, const char *class, uint64_t n, const char *words)
{
	strbuf_printf(h, "<li class=\"%s\"><b>%" PRIu64 "</b>", class, n);
	html_text(h, words);
	html_put(h, "</li>\n");
}

struct tiles {
	uint64_t deleted, held, freed, failed;
};

static struct tiles tiles_of(const struct incident *i)
{
	struct tiles s = {0};

	for (size_t n = 0; n < i->acts.count; n++) {
		const struct incident_act *act = &i->acts.list[n];
		enum ledger_effect effect = act->recalled ? act->recalled->effect : EFFECT_NONE;

		s.deleted += effect == EFFECT_DELETES ? act->batch->done : 0;
		s.held += effect == EFFECT_HOLDS ? act->batch->done : 0;
		s.freed += effect == EFFECT_FREES ? act->batch->done : 0;
		s.failed += act->batch->failed;
	}
	return s;
}

static void put_tiles(const struct incident *i, struct strbuf *h)
{
	const struct tiles s = tiles_of(i);

	html_put(h, "<ul class=\"tiles\">\n");
	if (i->flood.id)
		put_tile(h, "sent", (uint64_t)i->flood.recipients, "recipients in the flood");
	if (i->acts.count)
		put_tile(h, "deleted", s.deleted, "deleted");
	if (s.held)
		put_tile(h, "held", s.held, "held");
	if (s.freed)
		put_tile(h, "freed", s.freed, "released");
	if (s.failed)
		put_tile(h, "failed", s.failed, "failed");
	if (i->left.known)
		put_tile(h, "left", i->left.messages, "in the queue now");
	html_put(h, "</ul>\n");
}

static void put_flood_action(const struct incident_flood *f, struct strbuf *h)
{
	html_put(h, "<p>");
	if (!*f->action || strcmp(f->action, "WARN") == 0)
		html_text(h, "The flood watch only reported it.");
	else
		html_format(h, "The flood watch set a rule for it: %s.", f->action);
	if (f->expires > 0 && *f->action && strcmp(f->action, "WARN") != 0) {
		html_text(h, " The rule ends at ");
		html_time(h, f->expires * USEC_PER_SEC);
		html_text(h, ".");
	}
	if (f->held > 0)
		html_format(h, " It also held %" PRId64 " message%s that came before.", f->held,
		    PLURAL_OF(f->held));
	if (*f->mark)
		html_format(h, " An admin marked the flood as %s.", f->mark);
	html_put(h, "</p>\n");
}

static void put_flood(const struct incident_flood *f, struct strbuf *h)
{
	html_put(h, "<section id=\"flood\">\n<h2>The flood</h2>\n<p>");
	html_format(h,
	    "The %s %s sent %" PRId64 " message%s to %" PRId64
	    " recipient%s, which is over the limit of %" PRId64 " (signal %s; usual: %" PRId64
	    "). It began ",
	    f->kind, f->key, f->messages, PLURAL_OF(f->messages), f->recipients,
	    PLURAL_OF(f->recipients), f->limit, f->signal, f->usual);
	html_time(h, f->since * USEC_PER_SEC);
	if (f->until > 0) {
		html_text(h, " and ended ");
		html_time(h, f->until * USEC_PER_SEC);
		html_text(h, ".");
	} else {
		html_text(h, " and goes on.");
	}
	html_put(h, "</p>\n");
	put_flood_action(f, h);
	html_put(h, "</section>\n");
}

static void put_minutes(const struct incident *i, struct strbuf *h)
{
	const struct incident_minutes *m = &i->minutes;
	size_t skip = m->count > MINUTES_SHOWN ? m->count - MINUTES_SHOWN : 0;

	html_put(h, "<details>\n<summary>The numbers, minute by minute</summary>\n"
		    "<div class=\"scroll\"><table id=\"minutes\"><thead><tr><th>Minute</th>");
	for (size_t fate = 0; fate < FATES; fate++)
		html_element(h, "th", "n", fate_words[fate]);
	html_put(h, "</tr></thead>\n<tbody>\n");
	for (size_t n = skip; n < m->count; n++) {
		html_put(h, "<tr><td>");
		html_time(h, m->list[n].time * USEC_PER_SEC);
		html_put(h, "</td>");
		for (size_t fate = 0; fate < FATES; fate++)
			html_number(h, m->list[n].counts[fate]);
		html_put(h, "</tr>\n");
	}
	html_put(h, "</tbody></table></div>\n");
	if (skip) {
		html_put(h, "<p>");
		html_format(h, "%zu earlier minutes are left out.", skip);
		html_put(h, "</p>\n");
	}
	html_put(h, "</details>\n");
}

static void put_when(const struct incident *i, struct strbuf *h)
{
	html_put(h, "<section id=\"when\">\n<h2>When the messages arrived</h2>\n");
	chart_write(i, h);
	if (i->minutes.count)
		put_minutes(i, h);
	else
		html_element(h, "p", NULL, "No times of arrival are known.");
	if (i->undated) {
		html_put(h, "<p>");
		html_format(h, "The time of arrival of %" PRIu64 " more message%s is unknown.",
		    i->undated, PLURAL_OF(i->undated));
		html_put(h, "</p>\n");
	}
	if (i->twice)
		html_element(h, "p", "small",
		    "The account no longer has the queue IDs, so a message that was held and later "
		    "deleted counts twice in this chart.");
	html_put(h, "</section>\n");
}

static const struct {
	const char *id, *head, *name, *nameless, *note;
} tables[FACT_TABLES] = {
    [FACT_SENDERS] = {"senders", "Sender domains", "Domain", "(none)", NULL},
    [FACT_LOGINS] = {"logins", "Logins", "Login", "(no login)", NULL},
    [FACT_CLIENTS] = {"clients", "Clients", "Address", "(local)", NULL},
    [FACT_RECIPIENTS] = {"recipients", NULL, "Domain", "(none)",
	"Mail that was deleted, held or released is counted by recipient. Mail in the queue is "
	"counted once for each domain of a message."},
    [FACT_REASONS] = {"reasons", NULL, "Reason", "(none)",
	"Reasons are shown without numbers, hosts and addresses, and counted by recipient. Of mail "
	"that was deleted or held, up to 1,000 messages were examined."},
};
static const char *const column_heads[COLUMNS] = {
    "Deleted", "Held", "Released or other", "In the queue now"};

static void put_row(const struct incident_table *t, const char *name,
    const uint64_t counts[COLUMNS], struct strbuf *h)
{
	html_put(h, "<tr>");
	html_element(h, "td", NULL, name);
	for (size_t n = 0; n < COLUMNS; n++)
		if (t->used[n])
			html_number(h, counts[n]);
	html_put(h, "</tr>\n");
}

/* All beyond the shown rows. */
static void put_others(const struct incident_table *t, struct strbuf *h)
{
	uint64_t others[COLUMNS], any = 0;
	char name[64];

	memcpy(others, t->others, sizeof(others));
	for (size_t n = ROWS_SHOWN; n < t->count; n++)
		for (size_t c = 0; c < COLUMNS; c++)
			others[c] += t->rows[n].counts[c];
	for (size_t c = 0; c < COLUMNS; c++)
		any += others[c];
	snprintf(name, sizeof(name), "all others");
	if (t->count > ROWS_SHOWN)
		snprintf(name, sizeof(name), "all others, at least %zu", t->count - ROWS_SHOWN);
	if (any)
		put_row(t, name, others, h);
}

static void put_table(const struct incident *i, enum fact_kind kind, struct strbuf *h)
{
	const struct incident_table *t = &i->tables[kind];

	if (tables[kind].head)
		html_element(h, "h3", NULL, tables[kind].head);
	if (t->count == 0) {
		html_element(h, "p", "small", "None known.");
		return;
	}
	strbuf_printf(h, "<div class=\"scroll\"><table id=\"%s\"><thead><tr>", tables[kind].id);
	html_element(h, "th", NULL, tables[kind].name);
	for (size_t n = 0; n < COLUMNS; n++)
		if (t->used[n])
			html_element(h, "th", "n", column_heads[n]);
	html_put(h, "</tr></thead>\n<tbody>\n");
	for (size_t n = 0; n < t->count && n < ROWS_SHOWN; n++)
		put_row(t, *t->rows[n].name ? t->rows[n].name : tables[kind].nameless,
		    t->rows[n].counts, h);
	put_others(t, h);
	html_put(h, "</tbody></table></div>\n");
	if (tables[kind].note)
		html_element(h, "p", "small", tables[kind].note);
}

static void put_tables(const struct incident *i, struct strbuf *h)
{
	html_put(h, "<section id=\"who\">\n<h2>By whom</h2>\n");
	put_table(i, FACT_SENDERS, h);
	put_table(i, FACT_LOGINS, h);
	put_table(i, FACT_CLIENTS, h);
	html_put(h, "</section>\n<section id=\"whom\">\n<h2>To whom: recipient domains</h2>\n");
	put_table(i, FACT_RECIPIENTS, h);
	html_put(h, "</section>\n<section id=\"why\">\n<h2>Why it waited</h2>\n");
	put_table(i, FACT_REASONS, h);
	html_put(h, "</section>\n");
}

static void put_queues(const struct incident_left *left, struct strbuf *h)
{
	bool first = true;

	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (left->queues[n]) {
			html_format(h, "%s%" PRIu64 " in %s", first ? ": " : ", ", left->queues[n],
			    queue_word(queue_at(n)));
			first = false;
		}
	html_put(h, ".");
}

static void put_ages(const struct incident *i, struct strbuf *h)
{
	if (i->left.oldest) {
		html_text(h, " The oldest arrived ");
		html_time(h, i->left.oldest);
		html_text(h, ", the newest ");
		html_time(h, i->left.newest);
		html_text(h, ".");
	}
	if (i->began && i->left.since)
		html_format(
		    h, " %" PRIu64 " arrived after the first batch had begun.", i->left.since);
}

static void put_left(const struct incident *i, struct strbuf *h)
{
	const struct incident_left *left = &i->left;
	char size[32];

	html_put(h, "<section id=\"left\">\n<h2>What is left in the queue</h2>\n<p>");
	if (!left->known) {
		html_format(h, "Unknown: %s.", left->why);
	} else if (left->messages == 0) {
		html_text(h, "No message in the queue matches now.");
	} else {
		html_format(h, "%" PRIu64 " message%s (%s) when this report was made",
		    left->messages, PLURAL_OF(left->messages),
		    str_size_text(left->bytes, size, sizeof(size)));
		put_queues(left, h);
		put_ages(i, h);
	}
	html_put(h, "</p>\n");
	if (*i->asked) {
		html_put(h, "<p class=\"small\">Selection: ");
		html_element(h, "code", NULL, i->asked);
		html_put(h, "</p>\n");
	}
	html_put(h, "</section>\n");
}

static void put_notes(const struct incident *i, struct strbuf *h)
{
	struct strlist notes = strlist_of(&i->notes);

	if (notes.count == 0)
		return;
	html_put(h, "<section id=\"unknown\">\n<h2>What is not known</h2>\n<ul>\n");
	strlist_each (note, &notes)
		html_element(h, "li", NULL, note);
	html_put(h, "</ul>\n</section>\n");
}

static void put_foot(struct strbuf *h)
{
	html_put(h,
	    "<footer>Deleted and held mail is counted from pqpurge's account, mail that is left "
	    "from the queue files. This file holds people's addresses. It loads nothing from the "
	    "network.</footer>\n</main>\n</body>\n</html>\n");
}

int page_write(const struct incident *i, struct strbuf *to)
{
	put_head(i, to);
	put_tiles(i, to);
	if (i->flood.id)
		put_flood(&i->flood, to);
	put_when(i, to);
	put_tables(i, to);
	done_write(i, to);
	put_left(i, to);
	put_notes(i, to);
	put_foot(to);
	return to->failed ? -ENOMEM : 0;
}
