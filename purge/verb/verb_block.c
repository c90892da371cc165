/* SPDX-License-Identifier: ISC */
/* pqpurge-idx block, unblock: rules of the command, set and removed. */
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "purge/rules/block_talk.h"
#include "purge/rules/rulebox.h"
#include "purge/session.h"
#include "purge/standing.h"
#include "purge/tell/ask.h"
#include "purge/tell/say.h"

static int make_plan(const struct session *s, struct block_plan *plan, struct err *err)
{
	const struct options *o = &s->options;
	struct block_terms terms = {.action = o->action,
	    .text = o->text,
	    .reason = o->reason,
	    .author = s->user,
	    .now = o->now,
	    .expires = o->rule_for ? o->now + o->rule_for : 0,
	    .subdomains = o->subdomains};

	for (size_t i = 0; i < o->word_count; i++) {
		int code = block_plan_add(plan, o->words[i], &terms, err);

		if (code < 0)
			return code;
	}
	return 0;
}

/* 1 go on, 0 the answer was no, or why nobody could be asked. */
static int ask_doubts(const struct session *s, const struct block_plan *plan, struct err *err)
{
	if (block_doubts(s, plan) == 0 || s->options.yes || s->options.dry_run)
		return 1;
	if (!session_can_ask(s))
		return err_set(err, ERR_USAGE, "blocking this needs '--yes'; nothing was done");
	if (ask_yes(STDIN_FILENO, stderr, "Block it all the same?") == ANSWER_YES)
		return 1;
	say(stderr, "Nothing was blocked.\n");
	return 0;
}

/* What became of a rule, as JSON. */
static int put_line(const struct rule *r, const char *result, const struct block_answer *answer)
{
	struct json *o = json_new();

	json_put_text(o, "pattern", r->subject);
	json_put_text(o, "action", rule_action_word(r->action));
	json_put_text(o, "result", result);
	if (r->expires)
		json_put_int(o, "expires", r->expires / USEC_PER_SEC);
	if (answer) {
		json_put_bool(o, "in_force", answer->by_daemon);
		json_put_bool(o, "saved", answer->saved);
	}
	return json_line(stdout, o);
}

static int tell_plan(const struct session *s, const struct block_plan *plan)
{
	char until[CLOCK_TEXT_SIZE];
	int code = 0;

	for (size_t i = 0; code == 0 && i < plan->rules.count; i++) {
		const struct rule *r = &plan->rules.list[i];

		if (s->options.json)
			code = put_line(r, "would-set", NULL);
		else if (!s->options.quiet)
			say(stdout, "Would set %s %s, until %s.\n", r->subject,
			    rule_action_word(r->action), block_until(r, until, sizeof(until)));
	}
	return code;
}

static int send_plan(const struct session *s, const struct block_plan *plan, struct err *err)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < plan->rules.count; i++) {
		const struct rule *r = &plan->rules.list[i];
		struct block_answer answer;
		int code = block_set(&s->client, r, &answer, err);

		if (code == 0 && s->options.json)
			code = put_line(r, answer.was_there ? "updated" : "added", &answer);
		if (code < 0)
			return code;
		if (!s->options.json && (!s->options.quiet || !answer.saved))
			block_tell(stdout, r, &answer);
		if (!answer.saved)
			status = EXIT_SOME_FAILED;
	}
	return status;
}

int verb_block(struct session *s, struct err *err)
{
	struct block_plan plan = {0};
	int code = make_plan(s, &plan, err);

	if (code < 0)
		goto out;
	code = ask_doubts(s, &plan, err);
	if (code <= 0) {
		code = code < 0 ? code : EXIT_INTERRUPTED;
		goto out;
	}
	if (s->options.dry_run)
		code = tell_plan(s, &plan);
	else
		code = send_plan(s, &plan, err);
	if (code < 0)
		goto out;
	block_tell_exceptions(s, &plan);
	if (!s->options.json && !s->options.quiet && !s->options.dry_run)
		block_tell_sessions(stdout, s);
out:
	block_plan_release(&plan);
	return code;
}

/* The rules file's rule for the same subject, which the command cannot remove; NULL if there is
 * none. */
static const struct rule *find_in_file(
    const struct rulebox *box, const char *subject, bool login_exact)
{
	for (size_t i = 0; i < box->file.count; i++)
		if (rule_same_subject(box->file.list[i].subject, subject, login_exact))
			return &box->file.list[i];
	return NULL;
}

static bool is_there(const struct rulebox *box, const char *subject, bool login_exact)
{
	for (size_t i = 0; i < box->command.count; i++)
		if (rule_same_subject(box->command.list[i].subject, subject, login_exact))
			return true;
	return false;
}

static int tell_removal(const struct session *s, const struct rule *r,
    const struct block_answer *answer, const struct rulebox *box)
{
	const struct rule *in_file = find_in_file(box, r->subject, s->settings.login_exact);
	char origin[256];

	if (s->options.json && s->options.dry_run)
		return put_line(r, answer->was_there ? "would-remove" : "absent", NULL);
	if (s->options.json)
		return put_line(r, answer->was_there ? "removed" : "absent", answer);
	if (!s->options.quiet && !answer->was_there)
		say(stdout, "There was no rule of block for %s.\n", r->subject);
	else if (!s->options.quiet && s->options.dry_run)
		say(stdout, "Would remove the rule for %s.\n", r->subject);
	else if (!s->options.quiet)
		say(stdout, "The rule for %s was removed.\n", r->subject);
	if (in_file)
		say(stdout, "  %s still says '%s %s'.\n",
		    rulebox_origin(&s->settings, in_file, origin, sizeof(origin)), r->subject,
		    rule_action_word(in_file->action));
	if (!answer->saved)
		say(stdout, "  In force, not saved: it comes back when the daemon starts.\n");
	return 0;
}

static int remove_plan(const struct session *s, const struct block_plan *plan,
    const struct rulebox *box, struct err *err)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < plan->rules.count; i++) {
		const struct rule *r = &plan->rules.list[i];
		struct block_answer answer = {
		    .was_there = is_there(box, r->subject, s->settings.login_exact), .saved = true};
		int code =
		    s->options.dry_run ? 0 : block_unset(&s->client, r->subject, &answer, err);

		if (code == 0)
			code = tell_removal(s, r, &answer, box);
		if (code == 0 && !s->options.dry_run)
			code = standing_end_of_rule(
			    s, r->subject, s->options.json ? stderr : stdout, err);
		if (code < 0)
			return code;
		if (!answer.saved)
			status = EXIT_SOME_FAILED;
	}
	return status;
}

int verb_unblock(struct session *s, struct err *err)
{
	struct block_plan plan = {0};
	struct rulebox box = {0};
	struct err why = {{0}};
	int code = make_plan(s, &plan, err);

	/* What the box says is told beside; without it the daemon removes the rule all the same. */
	if (code == 0 && rulebox_read(&s->client, s->options.now, NULL, &box, &why) < 0)
		complain("could not read the rules: %s", why.text);
	if (code == 0)
		code = remove_plan(s, &plan, &box, err);
	rulebox_release(&box);
	block_plan_release(&plan);
	return code;
}
