/* SPDX-License-Identifier: ISC */
#include "postfix/spool/asking.h"

struct reasons {
	const struct selector *selector;
	enum selector_answer answer;
	unsigned limits, count;
	char last[SPOOL_REASON_MAX + 1]; /* many recipients share one reason */
};

static int ask_reason(void *arg, const struct spool_reason *reason)
{
	struct reasons *r = arg;

	if (!reason->cut && strcmp(reason->text, r->last) == 0)
		return 0;
	if (r->count++ >= ASKING_REASONS_MAX) {
		r->answer = SELECTOR_UNSURE;
		return ERR_LIMIT;
	}
	enum selector_answer answer =
	    selector_why_answer(r->selector, reason->text, reason->cut, &r->limits);
	if (answer != SELECTOR_NO)
		r->answer = answer;
	snprintf(r->last, sizeof(r->last), "%s", reason->text);
	return answer == SELECTOR_YES ? ERR_LIMIT : 0;
}

static enum selector_answer ask_reasons(
    const struct asking *a, const struct queue *q, const struct queue_id *id, uint8_t *limited)
{
	struct reasons r = {.selector = a->selector};

	if (a->selector->why.count == 0)
		return SELECTOR_YES;
	int code = spool_reasons_visit(q, id, ask_reason, &r);
	*limited |= r.limits > 0;
	return code < 0 && code != ERR_LIMIT ? SELECTOR_UNSURE : r.answer;
}

static enum selector_answer ask_subject(
    struct asking *a, int fd, const struct queue_id *id, uint8_t *limited)
{
	const struct queue_host host = {
	    .hostname = a->postfix->myhostname, .mail_owner = a->postfix->owner.uid};

	if (a->selector->subject.count == 0)
		return SELECTOR_YES;
	a->message.mailboxes.selector = a->selector;
	int code = queue_message_read(fd, id, &host, 0, &a->message);
	*limited |= a->message.mailboxes.subject_limits > 0;
	return code < 0 ? SELECTOR_UNSURE : a->message.subject;
}

void asking_answer(
    struct asking *a, const struct queue *q, int fd, const struct queue_id *id, struct proof *ret)
{
	static const uint8_t answers[] = {
	    [SELECTOR_NO] = ASKED_NO, [SELECTOR_YES] = ASKED_YES, [SELECTOR_UNSURE] = ASKED_UNSURE};

	/* The log is the cheaper question. */
	enum selector_answer why = ask_reasons(a, q, id, &ret->limited);
	enum selector_answer subject =
	    why == SELECTOR_NO ? SELECTOR_NO : ask_subject(a, fd, id, &ret->limited);
	ret->asked = answers[subject == SELECTOR_YES ? why : subject];
}

void asking_release(struct asking *a)
{
	queue_message_release(&a->message);
}
