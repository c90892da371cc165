/* SPDX-License-Identifier: ISC */
#include "purge/rules/block_talk.h"

#include "base/clock.h"
#include "postfix/config/bypass.h"
#include "purge/rules/rulebox.h"
#include "purge/status/live.h"
#include "purge/tell/say.h"

struct block_terms block_terms_of(const struct session *s, enum rule_action action, int64_t lasts)
{
	const struct options *o = &s->options;

	return (struct block_terms){.action = action,
	    .reason = o->reason,
	    .author = s->user,
	    .now = o->now,
	    .expires = lasts ? o->now + lasts : 0,
	    .subdomains = o->subdomains};
}

unsigned block_doubts(const struct session *s, const struct block_plan *plan)
{
	char words[640];
	unsigned doubts = 0;

	for (size_t i = 0; i < plan->rules.count; i++) {
		if (!block_doubt(&plan->rules.list[i], &s->postfix, words, sizeof(words)))
			continue;
		complain("%s", words);
		doubts++;
	}
	return doubts;
}

static void tell_outranking(const struct session *s, const struct block_plan *plan)
{
	const struct rulebox_question question = {.blocked = &plan->rules};
	struct rulebox box;
	struct err err = {{0}};
	char origin[256];

	if (rulebox_read(&s->client, s->options.now, &question, &box, &err) < 0)
		complain("could not look for rules that outrank it: %s", err.text);
	if (box.broken.text[0])
		complain("the rules file is wrong: %s", box.broken.text);
	for (size_t i = 0; i < box.passing.count; i++) {
		const struct rule *passing = &box.passing.list[i];

		complain("'%s OK' (%s) outranks '%s': such mail still passes", passing->subject,
		    rulebox_origin(&s->settings, passing, origin, sizeof(origin)),
		    box.blocked[i]->subject);
	}
	if (box.outranking_count > box.passing.count)
		complain(
		    "and %" PRIu64 " more such rules", box.outranking_count - box.passing.count);
	rulebox_release(&box);
}

/* One line; status has them all. */
static void tell_past_rules(const struct session *s)
{
	struct findings findings = {0};
	const struct finding *first = NULL;
	struct err err = {{0}};

	if (bypass_find(&s->postfix, s->settings.socket, false, &findings, &err) < 0)
		complain("could not look whether all mail meets the rules: %s", err.text);
	for (size_t i = 0; !first && i < findings.count; i++)
		if (bypass_is_past_rules(&findings.list[i]))
			first = &findings.list[i];
	if (first)
		complain("rules are not applied to all mail: %s ('pqpurge-idx status' says more)",
		    first->words);
	findings_release(&findings);
}

void block_tell_exceptions(const struct session *s, const struct block_plan *plan)
{
	tell_outranking(s, plan);
	tell_past_rules(s);
}

void block_tell_sessions(FILE *to, const struct session *s)
{
	struct live live = {0};

	live_read(&s->client, &live);
	if (live.answer && live_lost_sessions(&live, s->options.now))
		say_fold(to, 0,
		    "SMTP sessions that were open when the daemon last stopped are not covered "
		    "until they end.");
	live_release(&live);
}

char *block_until(const struct rule *r, char *buf, size_t size)
{
	if (r->expires == 0) {
		snprintf(buf, size, "unblocked");
		return buf;
	}
	return clock_text(r->expires, buf, size);
}

void block_tell(FILE *to, const struct rule *r, const struct block_answer *answer)
{
	char until[CLOCK_TEXT_SIZE];

	say(to, "%s: %s%s, until %s.\n", r->subject,
	    answer->was_there ? "there was a rule, now it is " : "", rule_action_word(r->action),
	    block_until(r, until, sizeof(until)));
	if (!answer->saved)
		say(to, "  In force, not saved: the daemon forgets it when it stops.\n");
	else if (!answer->by_daemon)
		say(to, "  Saved; no daemon runs, so it takes effect when the daemon starts.\n");
}
