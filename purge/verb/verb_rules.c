/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/json.h"
#include "door/door.h"
#include "purge/rules/rulebox.h"
#include "purge/session.h"
#include "purge/standing.h"
#include "purge/tell/say.h"
#include "purge/tell/table.h"

static void add_row(
    struct table *t, const struct session *s, const struct rule *r, const struct standing *standing)
{
	const char *words = r->reason && *r->reason ? r->reason : r->text;
	AUTO(strbuf_release) struct strbuf why = {0}, author = {0};
	char origin[256], expires[CLOCK_TEXT_SIZE] = "never", hits[24];
	const char *base = rulebox_origin(&s->settings, r, origin, sizeof(origin));

	if (strrchr(base, '/'))
		base = strrchr(base, '/') + 1;
	if (r->expires)
		clock_text(r->expires, expires, sizeof(expires));
	snprintf(hits, sizeof(hits), "%" PRIu64, r->hits);
	if (standing)
		strbuf_printf(
		    &why, "standing order %" PRIu64 "%s", standing->number, *words ? ": " : "");
	strbuf_puts(&why, words);
	strbuf_printf(&author, "%s%s", r->fleet ? DOOR_FLEET_PREFIX : "", r->author);
	table_add(t, (const char *[]){r->subject, rule_action_word(r->action),
			 r->line ? base : strbuf_text(&author), r->line ? "" : expires, hits,
			 strbuf_text(&why)});
}

static int put_rule(const struct session *s, const struct rule *r, const struct standing *standing)
{
	struct json *o = rule_json(r, s->settings.rules_file);

	if (standing)
		json_put_int(o, "standing", (int64_t)standing->number);
	return json_line(stdout, o);
}

static int list_rules(const struct session *s, const struct rulebox *box)
{
	static const struct table_column columns[] = {{.name = "PATTERN"}, {.name = "ACTION"},
	    {.name = "ORIGIN"}, {.name = "EXPIRES"}, {.name = "HITS", .right = true},
	    {.name = "WHY", .cut = true}};
	const struct rule_list *lists[] = {&box->command, &box->fleet, &box->file};
	struct table *t = s->options.json ? NULL : table_new(stdout, columns, COUNT_OF(columns));
	AUTO(standings_release) struct standings standings = {0};
	int code = 0;

	standing_read(s, &standings);
	for (size_t l = 0; l < COUNT_OF(lists); l++)
		for (size_t i = 0; code == 0 && i < lists[l]->count; i++) {
			const struct rule *r = &lists[l]->list[i];
			const struct standing *standing =
			    r->line || r->fleet
				? NULL
				: standing_of_rule(&standings, r->subject, s->settings.login_exact);

			if (rule_expired(r, s->options.now))
				continue;
			if (s->options.json)
				code = put_rule(s, r, standing);
			else
				add_row(t, s, r, standing);
		}
	if (!s->options.json && code == 0)
		code = table_end(t);
	return code;
}

static int make_query(
    const struct session *s, struct address *address, struct ruleset_query *ret, struct err *err)
{
	const struct selector *selector = &s->options.selector;
	struct strlist logins = strlist_of(&selector->logins);

	if (selector->login_patterns.count)
		return err_set(err, ERR_USAGE, "'--test' takes the name of a login");
	if (logins.count > 1 || selector->clients.count > 1)
		return err_set(err, ERR_USAGE, "'--test' takes one login and one client");
	if (selector->clients.count && selector->clients.list[0].bits != 128)
		return err_set(err, ERR_USAGE, "'--test' takes a client's address, not a network");
	if (strchr(s->options.test, '.') && !strpbrk(s->options.test, "@!%<"))
		return err_set(err, ERR_USAGE,
		    "'--test' takes an address; for mail of a domain write user@%s",
		    s->options.test);
	address_envelope(s->options.test, s->settings.origin, address);
	*ret = (struct ruleset_query){.login = logins.first,
	    .client = selector->clients.count ? &selector->clients.list[0].base : NULL,
	    .address = address,
	    .wall = s->options.now};
	return 0;
}

static int put_hit(
    const struct session *s, const struct address *address, const struct rulebox *box)
{
	const struct rule *decides = &box->decides;
	const char *file = s->settings.rules_file;
	struct json *o = json_new();

	json_put_text(o, "address", address->text);
	json_put_text(o, "action", decides->subject ? rule_action_word(decides->action) : NULL);
	if (decides->subject)
		json_put(o, "rule", rule_json(decides, file));
	if (box->warned.subject)
		json_put(o, "warned", rule_json(&box->warned, file));
	return json_line(stdout, o);
}

static void tell_hit(
    const struct session *s, const struct address *address, const struct rulebox *box)
{
	const char *who = *address->text ? address->text : "<>";
	const struct rule *r = &box->decides;
	char origin[256];

	if (box->warned.subject)
		say(stdout, "%s is logged by '%s' (%s).\n", who, box->warned.subject,
		    rulebox_origin(&s->settings, &box->warned, origin, sizeof(origin)));
	if (r->subject)
		say(stdout, "%s: %s, decided by '%s' (%s).\n", who, rule_action_word(r->action),
		    r->subject, rulebox_origin(&s->settings, r, origin, sizeof(origin)));
	else
		say(stdout, "%s: no rule decides; it passes.\n", who);
}

static int test_rules(const struct session *s, struct rulebox *box, struct err *err)
{
	struct address address = {0};
	struct ruleset_query query = {0};
	const struct rulebox_question question = {.query = &query};
	int code = make_query(s, &address, &query, err);

	code = code ?: rulebox_read(&s->client, s->options.now, &question, box, err);
	/* the file and the rules in force differ, and the admin may mean either */
	if (code == 0 && box->broken.text[0])
		code = err_set(err, ERR_CONFIG, "%s; a running daemon keeps the previous rules",
		    box->broken.text);
	if (code < 0)
		return code;
	if (s->options.json)
		return session_written(put_hit(s, &address, box), err);
	tell_hit(s, &address, box);
	return 0;
}

static int list_all(const struct session *s, struct rulebox *box, struct err *err)
{
	int code = rulebox_read(&s->client, s->options.now, NULL, box, err);

	return code < 0 ? code : session_written(list_rules(s, box), err);
}

static int tell_troubles(const struct session *s, const struct rulebox *box)
{
	const struct strlist damage = strlist_of(&box->damage);
	int status = EXIT_DONE;

	if (box->silent.text[0] && !s->options.quiet)
		complain("%s; these are the rules as the files have them", box->silent.text);
	if (box->unsaved.text[0])
		complain("%s", box->unsaved.text);
	strlist_each (line, &damage)
		complain("%s; this line is ignored", line);
	if (box->damaged > damage.count)
		complain("and %" PRIu64 " more such lines", box->damaged - damage.count);
	if (box->damaged || box->unsaved.text[0])
		status = EXIT_SOME_FAILED;
	if (box->broken.text[0]) {
		complain(box->by_daemon ? "%s; the previous rules of the file are in force"
					: "%s; the file's rules are not listed",
		    box->broken.text);
		status = EXIT_CANNOT;
	}
	return status;
}

int verb_rules(struct session *s, struct err *err)
{
	const struct selector *selector = &s->options.selector;
	AUTO(rulebox_release) struct rulebox box = {0};

	if (!s->options.test && (selector_asks_login(selector) || selector->clients.count))
		return err_set(err, ERR_USAGE, "'--login' and '--client' go with '--test'");
	int code = s->options.test ? test_rules(s, &box, err) : list_all(s, &box, err);
	return code ?: tell_troubles(s, &box);
}
