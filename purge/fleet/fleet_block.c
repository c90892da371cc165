/* SPDX-License-Identifier: ISC */
/* A rule in the database, which every host fetches. */

#include "base/clock.h"
#include "purge/fleet/fleet_order.h"
#include "purge/interrupt.h"
#include "purge/rules/blocking.h"
#include "purge/tell/say.h"

#define KNOWN_TIME (5 * USEC_PER_SEC) /* for every present host to fetch it */
#define LOOK_MS    50

struct blocking {
	struct fleet *f;
	const struct options *o;
	bool sets; /* block; false: unblock */
	struct rule_list plan;
	int64_t versions[FLEET_SITES_MAX];   /* with these rules; -1: none */
	bool lost[FLEET_SITES_MAX];          /* did not answer: its link is unusable */
	size_t failed;                       /* rules that some fleet refused and another took */
	struct json *there[FLEET_SITES_MAX]; /* the rules before an unblock; NULL: not known */
	struct fleet_known known;
};

static int make_plan(struct blocking *b, struct err *err)
{
	struct block_terms terms = block_terms_of(b->f->s, b->o->action, b->o->rule_for);
	int code = 0;

	if (b->o->hosts)
		return err_set(err, ERR_USAGE, "a rule of the fleet is for all hosts: '--fleet'");
	terms.text = b->o->text;
	for (size_t n = 0; code == 0 && n < b->o->word_count; n++)
		code = block_plan_add(&b->plan, b->o->words[n], &terms, err);
	if (code < 0 || !b->sets || b->o->dry_run)
		return code;
	code = block_ask(b->f->s, &b->plan, "Block it nevertheless, on all hosts?", err);
	return code == 0 ? ERR_STOPPED : code < 0 ? code : 0;
}

/* Only for what is told: a rule is taken back even if the rules cannot be read, where the link is
 * still usable. */
static int read_rules(struct blocking *b, struct err *err)
{
	size_t lost = 0;

	for (size_t n = 0; !b->sets && n < b->f->count; n++) {
		int code =
		    fleet_link_ask(&b->f->sites[n].link, json_request("rules"), &b->there[n], err);

		b->lost[n] = code == ERR_TIMEOUT || code == ERR_CHILD;
		lost += b->lost[n];
		if (code == ERR_STOPPED || lost == b->f->count)
			return code;
		if (code < 0)
			complain("could not read the rules: %s", err->text);
	}
	return 0;
}

static bool has_rule(const struct json *answer, const char *subject)
{
	for (size_t n = 0; n < json_count(answer, "rules"); n++)
		if (strcmp(json_words(json_at(answer, "rules", n), "subject"), subject) == 0)
			return true;
	return false;
}

static bool is_absent(const struct blocking *b, const struct rule *r)
{
	for (size_t n = 0; n < b->f->count; n++)
		if (!b->there[n] || has_rule(b->there[n], r->subject))
			return false;
	return true;
}

static int send(struct blocking *b, size_t site, const struct rule *r, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	struct json *request = json_request("rule");
	AUTO(strbuf_release) struct strbuf text = {0};

	strbuf_printf(&text, "%s%s%s", r->status, *r->status && *r->text ? " " : "", r->text);
	json_put_text(request, "subject", r->subject);
	json_put_text(request, "action", b->sets ? rule_action_word(r->action) : NULL);
	json_put_text(request, "text", strbuf_text(&text));
	json_put_text(request, "reason", b->o->reason);
	if (b->sets && b->o->rule_for)
		json_put_int(request, "for_s", (b->o->rule_for + USEC_PER_SEC - 1) / USEC_PER_SEC);
	int code = fleet_link_ask(&b->f->sites[site].link, request, &answer, err);
	b->lost[site] = code == ERR_TIMEOUT || code == ERR_CHILD;
	if (code == 0)
		b->versions[site] = json_int(answer, "rule_version", 0) ?: -1;
	else if (b->lost[site])
		b->versions[site] = -1;
	return code;
}

/* A fleet that refuses the rule does not keep it from the others. */
static int send_to_all(struct blocking *b, const struct rule *r, struct err *err)
{
	size_t failed = 0;
	int code = 0;

	for (size_t n = 0; n < b->f->count; n++) {
		bool asked = !b->lost[n];

		code = asked ? send(b, n, r, err) : code;
		failed += !asked || code < 0;
		if (code == ERR_STOPPED || failed == b->f->count)
			return code;
		if (asked && code < 0)
			complain("%s", err->text);
	}
	b->failed += failed;
	return 0;
}

static int await_known(struct blocking *b, struct err *err)
{
	int64_t deadline = clock_steady() + KNOWN_TIME;
	struct fleet_known *k = &b->known;
	int code = fleet_rules_known(b->f, b->versions, k, err);

	while (code == 0 && k->behind > 0 && clock_steady() < deadline && !interrupt_stop) {
		poll(NULL, 0, LOOK_MS);
		code = fleet_rules_known(b->f, b->versions, k, err);
	}
	return code < 0                 ? code
	       : k->behind || b->failed ? EXIT_SOME_FAILED
	       : k->known < k->hosts    ? EXIT_SOME_ABSENT
					: 0;
}

static const char *result_of(const struct blocking *b, const struct rule *r)
{
	if (!b->sets && is_absent(b, r))
		return "absent";
	return b->o->dry_run ? (b->sets ? "would-set" : "would-remove")
	       : b->sets     ? "set"
			     : "removed";
}

static int put_one(const struct blocking *b, const struct rule *r)
{
	struct json *o = json_new();

	json_put_text(o, "pattern", r->subject);
	json_put_text(o, "action", b->sets ? rule_action_word(r->action) : NULL);
	json_put_text(o, "result", result_of(b, r));
	if (b->sets && r->expires)
		json_put_int(o, "expires", r->expires / USEC_PER_SEC);
	json_put_int(o, "hosts", (int64_t)b->known.hosts);
	json_put_int(o, "in_force", (int64_t)b->known.known);
	return json_line(stdout, o);
}

static void say_one(const struct blocking *b, const struct rule *r)
{
	const bool dry = b->o->dry_run;
	char until[CLOCK_TEXT_SIZE];

	if (!b->sets && is_absent(b, r)) {
		say(stdout, "'block --fleet' has set no rule for %s.\n", r->subject);
		return;
	}
	if (b->sets)
		say(stdout, "%s%s: %s until %s", dry ? "Would set " : "", r->subject,
		    rule_action_word(r->action), block_until(r, until, sizeof(until)));
	else
		say(stdout, "%s: %s", r->subject, dry ? "would be unblocked" : "unblocked");
	if (!dry)
		say(stdout, ", in force on %zu of %zu %s", b->known.known, b->known.hosts,
		    PLURAL(b->known.hosts, "host"));
	say(stdout, ".\n");
}

static int tell_one(const struct blocking *b, const struct rule *r)
{
	if (b->o->json)
		return put_one(b, r);
	if (!b->o->quiet)
		say_one(b, r);
	return 0;
}

static int run(struct blocking *b, struct err *err)
{
	int status = 0, code = make_plan(b, err);

	code = code ?: read_rules(b, err);
	for (size_t n = 0; code == 0 && !b->o->dry_run && n < b->plan.count; n++)
		code = send_to_all(b, &b->plan.list[n], err);
	if (code == 0 && !b->o->dry_run)
		code = status = await_known(b, err);
	for (size_t n = 0; code >= 0 && n < b->plan.count; n++)
		code = tell_one(b, &b->plan.list[n]);
	code = code < 0 && status >= 0 && !err->text[0] ? session_written(code, err) : code;
	return code < 0 ? code : status;
}

int fleet_block(struct fleet *f, struct err *err)
{
	struct blocking b = {
	    .f = f, .o = &f->s->options, .sets = strcmp(f->s->verb->name, "block") == 0};

	for (size_t n = 0; n < FLEET_SITES_MAX; n++)
		b.versions[n] = -1;
	int code = run(&b, err);
	rule_list_release(&b.plan);
	for (size_t n = 0; n < FLEET_SITES_MAX; n++)
		json_free(b.there[n]);
	return code == ERR_STOPPED ? EXIT_INTERRUPTED : code;
}
