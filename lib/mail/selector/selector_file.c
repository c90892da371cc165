/* SPDX-License-Identifier: ISC */
/* The second step, and the third, which reads header and defer log. */
#include "mail/selector/selector.h"
#include "mail/subject.h"

bool selector_match_file(
    const struct selector *s, int64_t arrival_time, int64_t size, unsigned queue)
{
	if (s->arrived_before != 0 && (arrival_time < 0 || arrival_time >= s->arrived_before))
		return false;
	if (s->arrived_after != 0 && arrival_time <= s->arrived_after)
		return false;
	if (s->larger_than >= 0 && size <= s->larger_than)
		return false;
	return s->queues == 0 || (s->queues & queue) != 0;
}

bool selector_asks_file(const struct selector *s)
{
	return s->subject.count > 0 || s->why.count > 0;
}

/* If the end of a text is missing, a match is certain only if the text matches however it
 * continues. An expression that could not be tried, for lack of memory, is unsure as well. */
static enum selector_answer any_expression(
    const struct pattern_set *set, const char *text, size_t len, bool cut, unsigned *limits)
{
	enum selector_answer answer = cut ? SELECTOR_UNSURE : SELECTOR_NO;

	for (size_t i = 0; i < set->count && answer != SELECTOR_YES; i++) {
		int rc = pattern_match_text(&set->list[i], text, len, cut);

		*limits += rc == ERR_LIMIT;
		if (rc == 1)
			answer = SELECTOR_YES;
		else if (rc < 0 && rc != ERR_LIMIT)
			answer = SELECTOR_UNSURE;
	}
	return answer;
}

void selector_subject_take(struct selector_header *h, const char *value, size_t len, bool cut)
{
	if (h->subject || h->selector->subject.count == 0)
		return;
	if (h->subjects++ >= SELECTOR_SUBJECTS_MAX) {
		h->subject_unsure = true;
		return;
	}
	strbuf_clear(&h->text);
	cut |= subject_normal(value, len, &h->text);
	enum selector_answer answer = any_expression(
	    &h->selector->subject, strbuf_text(&h->text), h->text.len, cut, &h->subject_limits);
	h->subject = answer == SELECTOR_YES;
	h->subject_unsure |= answer == SELECTOR_UNSURE;
}

enum selector_answer selector_subject_answer(struct selector_header *h, bool whole)
{
	if (h->selector->subject.count == 0 || h->subject)
		return SELECTOR_YES;
	if (h->subject_unsure || !whole)
		return SELECTOR_UNSURE;
	return h->subjects > 0
		   ? SELECTOR_NO
		   : any_expression(&h->selector->subject, "", 0, false, &h->subject_limits);
}

enum selector_answer selector_why_answer(
    const struct selector *s, const char *text, bool cut, unsigned *limits)
{
	return any_expression(&s->why, text, strlen(text), cut, limits);
}
