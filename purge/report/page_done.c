/* SPDX-License-Identifier: ISC */
#include "purge/report/html.h"
#include "purge/report/page.h"

static void put_by(const struct batch *b, struct strbuf *h)
{
	char origin[160];

	incident_origin(b, origin, sizeof(origin));
	html_put(h, "<td>");
	html_text(h, b->user);
	if (b->uid)
		html_format(h, " (uid %" PRIu64 ")", b->uid);
	if (*origin)
		html_format(h, ", %s", origin);
	html_put(h, "</td>");
}

static void put_command(const struct incident_act *act, struct strbuf *h)
{
	html_put(h, "<td>");
	html_element(h, "code", NULL, act->batch->command);
	if (*act->batch->reason)
		html_format(h, " Reason: %s", act->batch->reason);
	for (size_t n = 0; act->recalled && n < act->recalled->undoes.count; n++)
		html_format(
		    h, "%s %" PRIu64, n ? "," : " Undoes batch", act->recalled->undoes.list[n]);
	html_put(h, "</td>");
}

static void put_result(const struct batch *b, struct strbuf *h)
{
	const struct {
		uint64_t n;
		const char *words;
		bool always;
	} rows[] = {{b->matched, "matched", true}, {b->done, "done", true},
	    {b->gone, "gone", false}, {b->changed, "changed", false}, {b->failed, "failed", false},
	    {b->rules_set, "rules set", false}};

	html_put(h, "<td>");
	html_text(h, incident_state(b));
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		if (rows[n].n || rows[n].always)
			html_format(
			    h, "%s %" PRIu64 " %s", n ? "," : ":", rows[n].n, rows[n].words);
	html_put(h, "</td>");
}

static void put_act(const struct incident_act *act, struct strbuf *h)
{
	strbuf_printf(h, "<tr id=\"batch%" PRIu64 "\"><td class=\"n\">%" PRIu64 "</td><td>",
	    act->batch->number, act->batch->number);
	html_time(h, act->batch->time);
	html_put(h, "</td>");
	put_by(act->batch, h);
	html_element(h, "td", NULL, act->batch->verb);
	put_command(act, h);
	put_result(act->batch, h);
	html_put(h, "</tr>\n");
}

static void put_acts(const struct incident *i, struct strbuf *h)
{
	html_put(h, "<div class=\"scroll\"><table id=\"acts\"><thead><tr><th class=\"n\">Batch</th>"
		    "<th>Time</th><th>By</th><th>Verb</th><th>Command</th><th>Result</th></tr>"
		    "</thead>\n<tbody>\n");
	for (size_t n = 0; n < i->acts.count; n++)
		put_act(&i->acts.list[n], h);
	html_put(h, "</tbody></table></div>\n");
}

static void put_rule(const struct rule *r, struct strbuf *h)
{
	html_put(h, "<tr>");
	html_element(h, "td", "mono", r->subject);
	html_element(h, "td", NULL, rule_action_word(r->action));
	html_put(h, "<td>");
	html_time(h, r->set_time);
	html_put(h, "</td>");
	html_element(h, "td", NULL, r->author ? r->author : "");
	html_put(h, "<td>");
	html_time(h, r->expires);
	html_put(h, "</td>");
	html_number(h, r->hits);
	html_element(h, "td", NULL, r->reason ? r->reason : "");
	html_put(h, "</tr>\n");
}

static void put_rules(const struct incident *i, struct strbuf *h)
{
	if (i->rules.count == 0)
		return;
	html_put(h, "<h3>Rules in force that were set since an hour before it began</h3>\n"
		    "<div class=\"scroll\"><table id=\"rules\"><thead><tr><th>Pattern</th>"
		    "<th>Action</th><th>Set</th><th>By</th><th>Until</th><th class=\"n\">Hits</th>"
		    "<th>Reason</th></tr></thead>\n<tbody>\n");
	for (size_t n = 0; n < i->rules.count; n++)
		put_rule(i->rules.list[n], h);
	html_put(h, "</tbody></table></div>\n");
}

void done_write(const struct incident *i, struct strbuf *h)
{
	html_put(h, "<section id=\"done\">\n<h2>What was done</h2>\n");
	if (i->acts.count)
		put_acts(i, h);
	else
		html_element(h, "p", NULL,
		    i->kind == INCIDENT_QUEUE
			? "The account has no batch with exactly this selection."
			: "No message was touched: no batch of the account belongs to it.");
	put_rules(i, h);
	html_put(h, "</section>\n");
}
