/* SPDX-License-Identifier: ISC */
#include "purge/standing.h"

#include "base/clock.h"
#include "base/json.h"
#include "purge/door/behalf.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"
#include "purge/tell/wording.h"

static bool is_of_senders(const struct selector *s)
{
	struct selector rest = *s;

	rest.author.count = rest.sender.count = rest.from.count = 0;
	rest.logins.len = rest.login_patterns.count = 0;
	rest.clients.count = 0;
	return selector_is_empty(&rest) && !s->all;
}

/* The rule refuses by sender alone, and the standing order must delete the same mail. So only one
 * kind of selector for senders is allowed, and nothing that narrows it. */
int standing_check(const struct options *o, struct err *err)
{
	const struct selector *s = &o->selector;
	unsigned kinds = (s->author.count > 0) + (s->sender.count > 0) + (s->from.count > 0) +
			 selector_asks_login(s) + (s->clients.count > 0);

	if (o->block || o->save || o->limit || o->with_bounces)
		return err_set(err, ERR_USAGE,
		    "'--for' cannot go with '--block', '--save', '--limit' or '--with-bounces'");
	if (kinds != 1 || !is_of_senders(s))
		return err_set(err, ERR_USAGE,
		    "'--for' also sets rules, which go by sender: it needs patterns, or "
		    "'--sender', '--from', '--login' or '--client', and no other selector");
	return 0;
}

int standing_keep(
    const struct session *s, uint64_t number, const struct rule_list *plan, struct err *err)
{
	const struct options *o = &s->options;
	struct standing standing = {.number = number,
	    .action = s->verb->action,
	    .until = o->now + o->rule_for,
	    .uid = s->behalf ? s->behalf->uid : 0,
	    .user = (char *)s->user,
	    .command = s->command_line,
	    .reason = (char *)o->reason,
	    .selector = o->selector};
	int code;

	for (size_t n = 0; n < plan->count; n++) {
		const char *subject = plan->list[n].subject;

		strlist_push(&standing.rules, subject, strlen(subject));
	}
	if (number == 0)
		code = err_set(err, ERR_NO_INDEX, "the account could not be written");
	else if (standing.rules.failed)
		code = err_set(err, -ENOMEM, "out of memory");
	else
		code = standing_begin(&s->settings, &standing, err);
	strbuf_release(&standing.rules);
	return code < 0 ? err_within(err, code, "the order does not stay in force") : 0;
}

static int tell_run(
    const struct session *s, const struct standing *standing, const struct outcome *o)
{
	const struct action_row *row = &action_rows[standing->action];
	uint64_t done = o->tally.results[RESULT_DONE];
	struct json *inner;

	if (o->trouble.text[0])
		complain("standing order %" PRIu64 ": %s", standing->number, o->trouble.text);
	if (s->options.json) {
		inner = json_new();
		json_put_int(inner, "order", (int64_t)standing->number);
		json_put_int(inner, "matched", (int64_t)o->tally.matched);
		json_put_int(inner, row->done, (int64_t)done);
		json_put_int(inner, "batch", (int64_t)o->tally.batch);
		return json_line_of(stdout, "standing", inner);
	}
	if (!s->options.quiet && o->tally.matched)
		say(stdout, "Standing order %" PRIu64 ": %" PRIu64 " %s %s.\n", standing->number,
		    done, PLURAL(done, "message"), row->done);
	return 0;
}

static bool is_whole(const struct outcome *o)
{
	const uint64_t *results = o->tally.results;

	return !o->trouble.text[0] && !o->interrupted && o->tally.unreadable == 0 &&
	       results[RESULT_FAILED] + results[RESULT_UNPROVEN] == 0;
}

int standing_carry_out(const struct session *s)
{
	AUTO(standings_release) struct standings all = {0};
	struct err err = {{0}}, trouble = {{0}};
	int status = EXIT_DONE;

	if (standing_list(&s->settings, clock_wall(), &all, &trouble, &err) < 0 ||
	    trouble.text[0]) {
		complain("%s", err.text[0] ? err.text : trouble.text);
		status = EXIT_SOME_FAILED;
	}
	for (size_t n = 0; n < all.count && !interrupt_stop; n++) {
		AUTO(outcome_release) struct outcome outcome = {0};
		int code = standing_run(
		    &s->settings, &s->postfix, &all.list[n], &interrupt_stop, &outcome, &err);

		if (code < 0)
			complain("standing order %" PRIu64 ": %s", all.list[n].number, err.text);
		if (code < 0 || tell_run(s, &all.list[n], &outcome) < 0 || !is_whole(&outcome))
			status = EXIT_SOME_FAILED;
	}
	return status;
}

int standing_ends_of(const struct session *s, struct batch_numbers *batches,
    struct standing_ends *ret, struct err *err)
{
	const size_t given = batches->count;
	int code = standing_list(&s->settings, s->options.now, &ret->all, NULL, err);

	batches->count = 0;
	for (size_t n = 0; code == 0 && n < given; n++) {
		const uint64_t number = batches->list[n];
		const struct standing *standing = standing_find(&ret->all, number);

		if (standing)
			code = array_add(ret, standing);
		if (!standing || standing->action == ACTION_HOLD)
			batches->list[batches->count++] = number;
	}
	for (size_t n = 0; n < ret->count; n++) {
		const struct standing *standing = ret->list[n];
		bool holds = standing->action == ACTION_HOLD;

		for (size_t i = 0; code == 0 && holds && i < standing->batches.count; i++)
			code = array_add(batches, standing->batches.list[i]);
	}
	return code == -ENOMEM ? err_set(err, code, "out of memory") : code;
}

void standing_ends_release(struct standing_ends *ends)
{
	standings_release(&ends->all);
	free(ends->list);
	*ends = (struct standing_ends){0};
}

static bool has_rule(const struct standing *standing, const char *subject, bool login_exact)
{
	struct strlist rules = strlist_of(&standing->rules);

	strlist_each (each, &rules)
		if (rule_same_subject(each, subject, login_exact))
			return true;
	return false;
}

/* Whether another standing order needs the same rule. */
static bool is_wanted(
    const struct session *s, const struct standing_ends *ends, const char *subject)
{
	for (size_t n = 0; n < ends->all.count; n++) {
		const struct standing *other = &ends->all.list[n];
		bool ending = false;

		for (size_t i = 0; i < ends->count; i++)
			ending |= ends->list[i] == other;
		if (!ending && has_rule(other, subject, s->settings.login_exact))
			return true;
	}
	return false;
}

static int end_one(const struct session *s, const struct standing_ends *ends,
    const struct standing *standing, struct err *err)
{
	struct strlist rules = strlist_of(&standing->rules);
	int code = standing_end(&s->settings, standing->number, err);

	strlist_each (subject, &rules) {
		struct block_answer answer;

		if (code >= 0 && !is_wanted(s, ends, subject))
			code = block_unset(&s->client, subject, &answer, err);
	}
	return code < 0 ? code : 0;
}

void standing_tell_ends(const struct standing_ends *ends, FILE *to)
{
	for (size_t n = 0; n < ends->count; n++) {
		const struct standing *standing = ends->list[n];

		say(to, "Order %" PRIu64 " of %s (%s) would no longer be in force.\n",
		    standing->number, standing->user, standing->command);
	}
}

int standing_end_all(
    const struct session *s, const struct standing_ends *ends, FILE *to, struct err *err)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < ends->count; n++) {
		const struct standing *standing = ends->list[n];

		code = end_one(s, ends, standing, err);
		if (code == 0 && !s->options.quiet)
			say(to, "Order %" PRIu64 " is no longer in force.\n", standing->number);
		if (code == 0 && !s->options.quiet && standing->action == ACTION_HOLD)
			say(to, "What its rule held on arrival stays in the hold queue; 'release "
				"--foreign' releases it.\n");
	}
	return code;
}

int standing_end_of_rule(const struct session *s, const char *subject, FILE *to, struct err *err)
{
	AUTO(standings_release) struct standings all = {0};
	int code = standing_list(&s->settings, s->options.now, &all, NULL, err);

	for (size_t n = 0; code >= 0 && n < all.count; n++) {
		if (!has_rule(&all.list[n], subject, s->settings.login_exact))
			continue;
		code = standing_end(&s->settings, all.list[n].number, err);
		if (code == 1)
			say(to, "Order %" PRIu64 " is no longer in force.\n", all.list[n].number);
	}
	return code < 0 ? code : 0;
}

const struct standing *standing_of_rule(
    const struct standings *all, const char *subject, bool login_exact)
{
	for (size_t n = 0; n < all->count; n++)
		if (has_rule(&all->list[n], subject, login_exact))
			return &all->list[n];
	return NULL;
}

void standing_read(const struct session *s, struct standings *ret)
{
	struct err err = {{0}}, trouble = {{0}};

	if (standing_list(&s->settings, clock_wall(), ret, &trouble, &err) < 0 || trouble.text[0])
		complain("%s", err.text[0] ? err.text : trouble.text);
}
