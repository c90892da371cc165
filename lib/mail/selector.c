/* SPDX-License-Identifier: ISC */
/* Which messages are meant: the questions asked of one message, see selector.h. Filling:
 * selector_add.c. */
#include "mail/selector.h"

/* An expression that hit its limit counts as no match and is told. */
static bool matches(const struct pattern *p, const struct pattern_subject *s, unsigned *limits)
{
	int rc = pattern_match_subject(p, s);

	if (rc == ERR_LIMIT)
		(*limits)++;
	return rc == 1;
}

static bool any_matches(const struct pattern_set *set, const char *normal, unsigned *limits)
{
	struct pattern_subject s = pattern_subject_of(normal);

	for (size_t i = 0; i < set->count; i++) {
		if (matches(&set->list[i], &s, limits))
			return true;
	}
	return false;
}

static bool any_of_list(const struct pattern_set *set, const struct strlist *list, unsigned *limits)
{
	strlist_each (item, list) {
		if (any_matches(set, item, limits))
			return true;
	}
	return false;
}

uint32_t selector_other_recipients(const struct selector *s, const struct message *m)
{
	uint32_t matched = 0, total = m->recipients.count;
	unsigned limits = 0;

	if (s->recipient.count == 0)
		return 0;
	/* The list's own count is the least that there were, whatever the record says. */
	if (m->recipient_count > total)
		total = m->recipient_count;
	strlist_each (recipient, &m->recipients) {
		matched += any_matches(&s->recipient, recipient, &limits);
	}
	return total - matched;
}

enum answer { NO, YES, UNSURE };

static bool every_matches(
    const struct pattern_set *set, const struct strlist *list, unsigned *limits)
{
	strlist_each (item, list) {
		if (!any_matches(set, item, limits))
			return false;
	}
	return true;
}

/* Of what was cut any may match, and any may not. */
static enum answer wants_recipients(
    const struct selector *s, const struct message *m, unsigned *limits)
{
	enum answer cut = m->flags & MESSAGE_CUT_RECIPIENTS ? UNSURE : NO;

	if (s->recipient.count == 0)
		return YES;
	if (s->only && !every_matches(&s->recipient, &m->recipients, limits))
		return NO;
	if (s->only)
		return selector_other_recipients(s, m) == 0 && m->recipients.count > 0 ? YES : cut;
	return any_of_list(&s->recipient, &m->recipients, limits) ? YES : cut;
}

/*
 * Whether text as recorded is what was asked for. The record keeps MESSAGE_TEXT_MAX bytes and says
 * when it cut something; then that much must be equal.
 */
static bool is_recorded(const struct message *m, const char *text, const char *asked)
{
	if (strcmp(text, asked) == 0)
		return true;
	return m->flags & MESSAGE_CUT_TEXT && strncmp(text, asked, MESSAGE_TEXT_MAX) == 0;
}

static bool wants_login(const struct selector *s, const struct message *m)
{
	struct strlist logins;

	if (s->logins.len == 0)
		return true;
	logins = strlist_of(&s->logins);
	strlist_each (login, &logins) {
		if (is_recorded(m, m->login, login))
			return true;
	}
	return false;
}

/* Compared without <>, which either side may lack or have by half. */
static bool is_message_id(const struct message *m, const char *asked)
{
	const char *id = m->message_id;
	size_t len = strlen(id), asked_len = strlen(asked);
	bool cut = m->flags & MESSAGE_CUT_TEXT && len == MESSAGE_TEXT_MAX;

	if (len > 0 && *id == '<') {
		id++;
		len--;
	}
	if (len > 0 && id[len - 1] == '>')
		len--;
	return (cut ? asked_len >= len : asked_len == len) && memcmp(id, asked, len) == 0;
}

static bool wants_message_id(const struct selector *s, const struct message *m)
{
	struct strlist ids;

	if (s->message_ids.len == 0)
		return true;
	ids = strlist_of(&s->message_ids);
	strlist_each (id, &ids) {
		if (is_message_id(m, id))
			return true;
	}
	return false;
}

static bool wants_client(const struct selector *s, const struct message *m)
{
	if (s->client_count == 0)
		return true;
	for (size_t i = 0; i < s->client_count; i++) {
		if (net_contains(&s->clients[i], &m->client))
			return true;
	}
	return false;
}

static int compare_ids(const void *a, const void *b)
{
	const struct queue_id *x = a, *y = b;

	return strcmp(x->text, y->text);
}

void selector_seal(struct selector *s)
{
	size_t kept = 0;

	if (s->id_count == 0)
		return;
	qsort(s->ids, s->id_count, sizeof(*s->ids), compare_ids);
	for (size_t i = 0; i < s->id_count; i++) {
		if (kept == 0 || compare_ids(&s->ids[kept - 1], &s->ids[i]) != 0)
			s->ids[kept++] = s->ids[i];
	}
	s->id_count = kept;
}

static bool wants_id(const struct selector *s, const struct message *m)
{
	if (!s->ids_given)
		return true;
	return s->id_count > 0 &&
	       bsearch(&m->queue_id, s->ids, s->id_count, sizeof(*s->ids), compare_ids);
}

static unsigned author_of(const struct selector *s, const struct message *m, unsigned *limits)
{
	unsigned matched = 0;

	if (s->author.count == 0)
		return MATCHED_OTHER;
	if (any_matches(&s->author, m->sender, limits))
		matched |= MATCHED_ENVELOPE;
	if (any_of_list(&s->author, &m->from, limits))
		matched |= MATCHED_FROM;
	return matched;
}

bool selector_is_empty(const struct selector *s)
{
	return s->author.count == 0 && s->sender.count == 0 && s->from.count == 0 &&
	       s->recipient.count == 0 && s->logins.len == 0 && s->message_ids.len == 0 &&
	       s->client_count == 0 && !s->ids_given && s->arrived_before == 0 &&
	       s->arrived_after == 0 && s->larger_than < 0 && s->queues == 0;
}

unsigned selector_nominate(const struct selector *s, const struct message *m, unsigned *limits)
{
	unsigned unheard = 0, matched;
	enum answer recipients;

	if (!limits)
		limits = &unheard;
	/* Cheap questions first: this runs once for each message of the index. */
	if (!wants_id(s, m) || !wants_client(s, m) || !wants_login(s, m) || !wants_message_id(s, m))
		return 0;
	if (s->sender.count > 0 && !any_matches(&s->sender, m->sender, limits))
		return 0;
	if (s->from.count > 0 && !any_of_list(&s->from, &m->from, limits))
		return 0;
	recipients = wants_recipients(s, m, limits);
	if (recipients == NO)
		return 0;
	/* Nothing asked is not everything wanted, whatever the caller checked before. */
	if (selector_is_empty(s) && !s->all)
		return 0;
	matched = author_of(s, m, limits);
	return matched && recipients == UNSURE ? matched | MATCHED_UNSURE : matched;
}

unsigned selector_match(const struct selector *s, const struct message *m, unsigned *limits)
{
	unsigned matched = selector_nominate(s, m, limits);

	return matched & MATCHED_UNSURE ? 0 : matched;
}

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
