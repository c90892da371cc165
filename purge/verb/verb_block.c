/* SPDX-License-Identifier: ISC */
/* pqpurge-idx block, unblock. */
#include "base/clock.h"
#include "purge/floods/floods.h"
#include "purge/rules/rulebox.h"
#include "purge/standing.h"
#include "purge/tell/field.h"
#include "purge/tell/say.h"

static int make_plan(const struct session *s, struct rule_list *plan, struct err *err)
{
	const struct options *o = &s->options;
	struct block_terms terms = block_terms_of(s, o->action, o->rule_for);
	int code = 0;

	terms.text = o->text;
	for (size_t i = 0; code == 0 && i < o->word_count; i++)
		code = block_plan_add(plan, o->words[i], &terms, err);
	return code;
}

/* answer NULL: a dry run. */
static int put_line(const struct rule *r, const char *result, const struct block_answer *answer)
{
	const struct field fields[] = {
	    {"pattern", NULL, FIELD_TEXT, .text = r->subject},
	    {"action", NULL, FIELD_TEXT, .text = rule_action_word(r->action)},
	    {"result", NULL, FIELD_TEXT, .text = result},
	    {"expires", NULL, FIELD_TIME, .n = r->expires},
	    {"in_force", NULL, FIELD_BOOL, .n = answer ? answer->by_daemon : -1},
	    {"saved", NULL, FIELD_BOOL, .n = answer ? answer->saved : -1},
	};
	struct json *o = json_new();

	fields_put(o, fields, COUNT_OF(fields));
	return json_line(stdout, o);
}

static int set_one(const struct session *s, const struct rule *r, struct err *err)
{
	struct block_answer answer = {.saved = true};
	const bool dry = s->options.dry_run;
	char until[CLOCK_TEXT_SIZE];
	int code = dry ? 0 : block_set(&s->client, r, &answer, err);

	if (code < 0)
		return code;
	if (s->options.json)
		code = put_line(r,
		    dry                ? "would-set"
		    : answer.was_there ? "updated"
				       : "added",
		    dry ? NULL : &answer);
	else if (dry && !s->options.quiet)
		say(stdout, "Would set %s %s, until %s.\n", r->subject, rule_action_word(r->action),
		    block_until(r, until, sizeof(until)));
	else if (!dry && (!s->options.quiet || !answer.saved))
		block_tell(stdout, r, &answer);
	code = session_written(code, err);
	return code < 0 || answer.saved ? code : EXIT_SOME_FAILED;
}

int verb_block(struct session *s, struct err *err)
{
	AUTO(rule_list_release) struct rule_list plan = {0};
	int status = EXIT_DONE, code = make_plan(s, &plan, err);

	code = code ?: block_ask(s, &plan, "Block it nevertheless?", err);
	if (code == 0)
		status = EXIT_INTERRUPTED;
	for (size_t i = 0; code > 0 && i < plan.count; i++) {
		int one = set_one(s, &plan.list[i], err);

		code = one < 0 ? one : code;
		status = one > 0 ? one : status;
	}
	if (code > 0)
		block_tell_exceptions(s, &plan);
	if (code > 0 && !s->options.dry_run && s->options.action != RULE_OK &&
	    s->options.action != RULE_WARN)
		floods_named(s, &plan);
	if (code > 0 && !s->options.json && !s->options.quiet && !s->options.dry_run)
		block_tell_sessions(stdout, s);
	return code < 0 ? code : status;
}

static const struct rule *find(const struct rule_list *rules, const char *subject, bool login_exact)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rule_same_subject(rules->list[i].subject, subject, login_exact))
			return &rules->list[i];
	return NULL;
}

/* Also names the rules that the command cannot remove: the fleet's and the rules file's. */
static void say_removal(const struct session *s, const struct rule *r,
    const struct block_answer *answer, const struct rule *of_fleet, const struct rule *in_file)
{
	char origin[256];

	if (!s->options.quiet && !answer->was_there)
		say(stdout, "'block' has set no rule for %s.\n", r->subject);
	else if (!s->options.quiet)
		say(stdout,
		    s->options.dry_run ? "Would remove the rule for %s.\n"
				       : "The rule for %s was removed.\n",
		    r->subject);
	if (of_fleet)
		say(stdout,
		    "  The fleet still has the rule '%s %s', on all hosts; 'pqpurge-idx unblock "
		    "--fleet "
		    "%s' ends that.\n",
		    r->subject, rule_action_word(of_fleet->action), r->subject);
	if (in_file)
		say(stdout, "  %s still has the rule '%s %s'.\n",
		    rulebox_origin(&s->settings, in_file, origin, sizeof(origin)), r->subject,
		    rule_action_word(in_file->action));
	if (!answer->saved)
		say(stdout, "  In force, not saved: it comes back when the daemon starts.\n");
}

static int remove_one(
    const struct session *s, const struct rule *r, const struct rulebox *box, struct err *err)
{
	const bool dry = s->options.dry_run, exact = s->settings.login_exact;
	struct block_answer answer = {
	    .was_there = find(&box->command, r->subject, exact) != NULL, .saved = true};
	int code = dry ? 0 : block_unset(&s->client, r->subject, &answer, err);

	if (code < 0)
		return code;
	if (s->options.json)
		code = put_line(r,
		    !answer.was_there ? "absent"
		    : dry             ? "would-remove"
				      : "removed",
		    dry ? NULL : &answer);
	else
		say_removal(s, r, &answer, find(&box->fleet, r->subject, exact),
		    find(&box->file, r->subject, exact));
	code = session_written(code, err);
	if (code == 0 && !dry)
		code = standing_end_of_rule(s, r->subject, s->options.json ? stderr : stdout, err);
	return code < 0 || answer.saved ? code : EXIT_SOME_FAILED;
}

int verb_unblock(struct session *s, struct err *err)
{
	AUTO(rule_list_release) struct rule_list plan = {0};
	AUTO(rulebox_release) struct rulebox box = {0};
	struct err why = {{0}};
	int status = EXIT_DONE, code = make_plan(s, &plan, err);

	/* if the rules cannot be read, the daemon still removes the rule */
	if (code == 0 && rulebox_read(&s->client, s->options.now, NULL, &box, &why) < 0)
		complain("could not read the rules: %s", why.text);
	for (size_t i = 0; code >= 0 && i < plan.count; i++) {
		code = remove_one(s, &plan.list[i], &box, err);
		status = code > 0 ? code : status;
	}
	return code < 0 ? code : status;
}
