/* SPDX-License-Identifier: ISC */
/* pqpurge-idx rules: all rules, or the one that decides. */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "index/client.h"
#include "purge/rules/rulebox.h"
#include "purge/session.h"
#include "purge/tell/table.h"

#define HITS_WAIT (2 * USEC_PER_SEC)

static struct json *rule_object(const struct session *s, const struct rule *r)
{
	struct json *o = json_new();

	json_put_text(o, "pattern", r->subject);
	json_put_text(o, "action", rule_action_word(r->action));
	if (*r->text)
		json_put_text(o, "text", r->text);
	if (*r->status)
		json_put_text(o, "status", r->status);
	json_put_text(o, "origin", r->line ? "file" : "command");
	if (r->line) {
		json_put_text(o, "file", s->settings.rules_file);
		json_put_int(o, "line", r->line);
	}
	json_put_int(o, "hits", (int64_t)r->hits);
	if (r->line)
		return o;
	json_put_int(o, "set_time", r->set_time / USEC_PER_SEC);
	if (r->expires)
		json_put_int(o, "expires", r->expires / USEC_PER_SEC);
	if (r->author && *r->author)
		json_put_text(o, "author", r->author);
	if (r->reason && *r->reason)
		json_put_text(o, "reason", r->reason);
	return o;
}

static const char *words_of(const struct rule *r)
{
	return r->reason && *r->reason ? r->reason : r->text;
}

static void add_row(struct table *t, const struct session *s, const struct rule *r)
{
	char origin[256], expires[CLOCK_TEXT_SIZE] = "never", hits[24] = "";
	const char *base = rulebox_origin(&s->settings, r, origin, sizeof(origin));

	if (strrchr(base, '/'))
		base = strrchr(base, '/') + 1;
	if (r->expires)
		clock_text(r->expires, expires, sizeof(expires));
	snprintf(hits, sizeof(hits), "%" PRIu64, r->hits);
	table_add(t, (const char *[]){r->subject, rule_action_word(r->action),
			 r->line ? base : r->author, r->line ? "" : expires, hits, words_of(r)});
}

static int list_rules(const struct session *s, const struct rulebox *box)
{
	static const struct table_column columns[] = {{.name = "PATTERN"}, {.name = "ACTION"},
	    {.name = "ORIGIN"}, {.name = "EXPIRES"}, {.name = "HITS", .right = true},
	    {.name = "WHY", .cut = true}};
	const struct rule_list *lists[] = {&box->command, &box->file};
	struct table *t = s->options.json ? NULL : table_new(stdout, columns, COUNT_OF(columns));
	int code = 0;

	for (size_t l = 0; l < COUNT_OF(lists); l++)
		for (size_t i = 0; code == 0 && i < lists[l]->count; i++) {
			const struct rule *r = &lists[l]->list[i];

			if (rule_expired(r, s->options.now))
				continue;
			if (s->options.json)
				code = json_line(stdout, rule_object(s, r));
			else
				add_row(t, s, r);
		}
	if (!s->options.json && code == 0)
		code = table_end(t);
	return code;
}

/* Login and client as --test asks about them: one each, and the client an address, not a network.
 */
static int make_query(
    const struct session *s, struct address *address, struct ruleset_query *ret, struct err *err)
{
	const struct selector *selector = &s->options.selector;
	struct strlist logins = strlist_of(&selector->logins);

	if (logins.count > 1 || selector->client_count > 1)
		return err_set(err, ERR_USAGE, "'--test' takes one login and one client");
	if (selector->client_count && selector->clients[0].bits != 128)
		return err_set(err, ERR_USAGE, "'--test' takes a client's address, not a network");
	address_envelope(s->options.test, s->settings.origin, address);
	*ret = (struct ruleset_query){.login = logins.first,
	    .client = selector->client_count ? &selector->clients[0].base : NULL,
	    .address = address,
	    .wall = s->options.now};
	return 0;
}

static int tell_hit(
    const struct session *s, const struct address *address, const struct rulebox *box)
{
	char subject[256], origin[256], who[256];
	const struct rule *r = box->decides;

	if (s->options.json) {
		struct json *o = json_new();

		json_put_text(o, "address", address->text);
		if (r) {
			json_put_text(o, "action", rule_action_word(r->action));
			json_put(o, "rule", rule_object(s, r));
		} else
			json_put_null(o, "action");
		if (box->warned)
			json_put(o, "warned", rule_object(s, box->warned));
		return json_line(stdout, o);
	}
	str_scrub(who, sizeof(who), *address->text ? address->text : "<>");
	if (box->warned)
		printf("%s is logged by '%s' (%s).\n", who,
		    str_scrub(subject, sizeof(subject), box->warned->subject),
		    rulebox_origin(&s->settings, box->warned, origin, sizeof(origin)));
	if (r)
		printf("%s: %s, decided by '%s' (%s).\n", who, rule_action_word(r->action),
		    str_scrub(subject, sizeof(subject), r->subject),
		    rulebox_origin(&s->settings, r, origin, sizeof(origin)));
	else
		printf("%s: no rule decides; it passes.\n", who);
	return 0;
}

static int test_rules(const struct session *s, struct rulebox *box, struct err *err)
{
	struct address address = {0};
	struct ruleset_query query = {0};
	const struct rulebox_question question = {.query = &query};
	int code = make_query(s, &address, &query, err);

	if (code == 0)
		code = rulebox_read(&s->settings, s->options.now, &question, box, err);
	/* The daemon still has the file's rules from before; to answer without them would be a
	 * guess. */
	if (code == 0 && box->broken.text[0])
		code = err_set(err, ERR_CONFIG,
		    "%s; a daemon that runs goes on with the rules from before, which cannot be "
		    "asked here",
		    box->broken.text);
	return code < 0 ? code : tell_hit(s, &address, box);
}

/* The daemon saves hits each second; what counted until now is to be shown. Where it does not
 * answer, the last second is missing. */
static void save_hits(const struct session *s)
{
	struct client_answer answer = {0};
	struct bytes request = {0};
	struct span span;

	request_hits(&request);
	span = bytes_span(&request);
	if (!request.failed)
		(void)!client_send(s->settings.index_directory, &span, 1, HITS_WAIT, &answer, NULL);
	client_answer_release(&answer);
	bytes_release(&request);
}

int verb_rules(struct session *s, struct err *err)
{
	const struct selector *selector = &s->options.selector;
	struct rulebox box = {0};
	int code;

	if (!s->options.test && (selector->logins.len || selector->client_count))
		return err_set(err, ERR_USAGE, "'--login' and '--client' go with '--test'");
	if (!s->options.test)
		save_hits(s);
	if (s->options.test)
		code = test_rules(s, &box, err);
	else
		code = rulebox_read(&s->settings, s->options.now, NULL, &box, err);
	if (code == 0 && !s->options.test)
		code = list_rules(s, &box);
	if (code == 0 && box.no_index && !s->options.quiet)
		fputs("pqpurge-idx: there is no index yet, so these are the file's rules alone\n",
		    stderr);
	if (code == 0 && box.damaged) {
		fprintf(stderr,
		    "pqpurge-idx: %" PRIu64 " damaged rules of the index could not be read\n",
		    box.damaged);
		code = EXIT_SOME_FAILED;
	}
	if (code >= 0 && box.broken.text[0]) {
		fprintf(stderr,
		    "pqpurge-idx: %s; the file's rules are not listed, and a daemon that runs goes "
		    "on with those from before\n",
		    box.broken.text);
		code = EXIT_CANNOT;
	}
	rulebox_release(&box);
	return code;
}
