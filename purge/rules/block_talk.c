/* SPDX-License-Identifier: ISC */
/* Blocks in words. */
#include "purge/rules/block_talk.h"

#include <inttypes.h>

#include "base/clock.h"

unsigned block_doubts(const struct session *s, const struct block_plan *plan)
{
	char words[640], clean[640];
	unsigned doubts = 0;

	for (size_t i = 0; i < plan->rules.count; i++) {
		if (!block_doubt(&plan->rules.list[i], &s->postfix, words, sizeof(words)))
			continue;
		fprintf(stderr, "pqpurge-idx: %s\n", str_scrub(clean, sizeof(clean), words));
		doubts++;
	}
	return doubts;
}

static void tell_outranking(const struct session *s, const struct rulebox_outranking *o)
{
	char origin[256], passing[256], stopped[256];

	fprintf(stderr, "pqpurge-idx: '%s OK' (%s)\n  outranks '%s': such mail still passes\n",
	    str_scrub(passing, sizeof(passing), o->passing->subject),
	    rulebox_origin(&s->settings, o->passing, origin, sizeof(origin)),
	    str_scrub(stopped, sizeof(stopped), o->blocked->subject));
}

void block_tell_outranked(const struct session *s, const struct block_plan *plan)
{
	const struct rulebox_question question = {.blocked = &plan->rules};
	struct rulebox box;
	struct err err = {{0}};
	uint64_t shown;

	if (rulebox_read(&s->settings, s->options.now, &question, &box, &err) < 0)
		fprintf(stderr, "pqpurge-idx: could not look for rules that outrank it: %s\n",
		    err.text);
	if (box.broken.text[0])
		fprintf(stderr, "pqpurge-idx: the rules file is wrong: %s\n", box.broken.text);
	shown = box.outranking_count < RULEBOX_OUTRANKING_MAX ? box.outranking_count
							      : RULEBOX_OUTRANKING_MAX;
	for (uint64_t i = 0; i < shown; i++)
		tell_outranking(s, &box.outranking[i]);
	if (box.outranking_count > shown)
		fprintf(stderr, "pqpurge-idx: and %" PRIu64 " more such rules\n",
		    box.outranking_count - shown);
	rulebox_release(&box);
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
	char subject[256], until[CLOCK_TEXT_SIZE];

	fprintf(to, "%s: %s%s, until %s.\n", str_scrub(subject, sizeof(subject), r->subject),
	    answer->was_there ? "there was a rule, now it is " : "", rule_action_word(r->action),
	    block_until(r, until, sizeof(until)));
	if (!answer->saved)
		fputs("  In force, not saved: the daemon forgets it when it stops.\n", to);
	else if (!answer->by_daemon)
		fputs("  Saved; no daemon runs, so it takes effect when the daemon starts.\n", to);
}

void block_tell_sessions(FILE *to)
{
	fputs("SMTP sessions that were open when the daemon last stopped are not covered until\n"
	      "they end.\n",
	    to);
}
