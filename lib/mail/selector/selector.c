/* SPDX-License-Identifier: ISC */
#include "mail/selector/selector.h"

/* An expression that hits its limit, or finds no memory, is counted as a note. */
static bool any_matches(
    const struct pattern_set *set, const char *normal, struct selector_notes *notes)
{
	struct pattern_subject s = pattern_subject_of(normal);

	int rc = 0;

	for (size_t i = 0; i < set->count && rc != 1; i++) {
		rc = pattern_match_subject(&set->list[i], &s);
		notes->limits += rc < 0;
	}
	return rc == 1;
}

static bool any_of_list(
    const struct pattern_set *set, const struct strlist *list, struct selector_notes *notes)
{
	strlist_each (item, list)
		if (any_matches(set, item, notes))
			return true;
	return false;
}

/* MAYBE: neither half matches, but mailboxes were cut. */
enum halves { GIVEN = 1u << 0, QUEUED = 1u << 1, MAYBE = 1u << 2 };

static unsigned halves_of(const struct pattern_set *set, const struct strlist *given,
    const struct strlist *queued, struct selector_notes *notes)
{
	unsigned halves = any_of_list(set, given, notes) ? GIVEN : 0;

	if (strlist_equal(given, queued))
		return halves ? GIVEN | QUEUED : 0;
	return any_of_list(set, queued, notes) ? halves | QUEUED : halves;
}

static unsigned halves_of_sender(
    const struct pattern_set *set, const struct message *m, struct selector_notes *notes)
{
	struct strlist given = {m->sender, strlen(m->sender) + 1, 1};
	struct strlist queued = {m->queued.sender, strlen(m->queued.sender) + 1, 1};

	if (!message_is_given(m))
		given = (struct strlist){0};
	if (!m->queued.known)
		queued = (struct strlist){0};
	return halves_of(set, &given, &queued, notes);
}

/* found: a mailbox in the queue file's whole header matched, if that was read. */
static unsigned halves_of_from(const struct pattern_set *set, const struct message *m, bool found,
    bool cut, struct selector_notes *notes)
{
	unsigned halves = halves_of(set, &m->from, &m->queued.from, notes) | (found ? QUEUED : 0);

	return !halves && cut ? MAYBE : halves;
}

void selector_header_take(void *arg, const struct address *mailbox)
{
	struct selector_header *header = arg;
	struct selector_notes notes = {0};

	header->author |= any_matches(&header->selector->author, mailbox->text, &notes);
	header->from |= any_matches(&header->selector->from, mailbox->text, &notes);
	header->limits += notes.limits;
}

static unsigned given_alone(const struct message *m, unsigned halves)
{
	return m->queued.known && halves == GIVEN ? MATCHED_GIVEN : 0;
}

struct waiting {
	const struct strlist *list, *originals;
	uint32_t count;
	bool cut;
};

static struct waiting waiting_of(const struct message *m)
{
	static const struct strlist none;
	bool queued = m->queued.known;
	struct waiting w = {
	    .list = queued ? &m->queued.recipients : &m->recipients,
	    .originals = queued ? &m->queued.originals : &none,
	    .count = queued ? m->queued.recipient_count : m->recipient_count,
	    .cut = m->flags & (queued ? MESSAGE_CUT_QUEUED_RECIPIENTS : MESSAGE_CUT_RECIPIENTS),
	};

	/* A record may claim fewer recipients than it lists. */
	if (w.list->count > w.count)
		w.count = w.list->count;
	return w;
}

/* Tests each address, and the one before aliases. */
static uint32_t count_matching(
    const struct selector *s, const struct waiting *w, bool as_queued, struct selector_notes *notes)
{
	const char *original = w->originals->first;
	const char *end = original ? original + w->originals->bytes : NULL;
	uint32_t matched = 0;

	strlist_each (recipient, w->list) {
		bool other = !as_queued && original && original < end && *original;

		matched += any_matches(&s->recipient, recipient, notes) ||
			   (other && any_matches(&s->recipient, original, notes));
		if (original && original < end)
			original += strlen(original) + 1;
	}
	return matched;
}

uint32_t selector_other_recipients(const struct selector *s, const struct message *m)
{
	struct waiting w = waiting_of(m);
	struct selector_notes unheard = {0};

	return s->recipient.count == 0 ? 0 : w.count - count_matching(s, &w, false, &unheard);
}

static enum selector_answer wants_every_recipient(
    const struct selector *s, const struct waiting *w, struct selector_notes *notes)
{
	uint32_t matched = count_matching(s, w, true, notes);

	if (matched < w->list->count)
		return SELECTOR_NO;
	if (matched == w->count && matched > 0)
		return SELECTOR_YES;
	return w->cut ? SELECTOR_UNSURE : SELECTOR_NO;
}

static enum selector_answer wants_recipients(
    const struct selector *s, const struct message *m, struct selector_notes *notes)
{
	struct waiting w = waiting_of(m);

	if (s->recipient.count == 0)
		return SELECTOR_YES;
	if (s->only)
		return wants_every_recipient(s, &w, notes);
	if (any_of_list(&s->recipient, &m->recipients, notes) ||
	    any_of_list(&s->recipient, &m->queued.recipients, notes) ||
	    any_of_list(&s->recipient, &m->queued.originals, notes))
		return SELECTOR_YES;
	return w.cut ? SELECTOR_UNSURE : SELECTOR_NO;
}

static enum selector_answer either(enum selector_answer a, enum selector_answer b)
{
	if (a == SELECTOR_YES || b == SELECTOR_YES)
		return SELECTOR_YES;
	return a == SELECTOR_UNSURE ? a : b;
}

enum pass {
	PASS_NO,
	PASS_OWN,
	PASS_FIRST,   /* only that of its first pass through a content filter */
	PASS_UNSURE,  /* depends on the cut end of a login */
	PASS_UNKNOWN, /* back from a filter, first pass unknown */
};

static bool is_login(const struct selector *s, const char *text, const char *asked, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		if (s->login_exact ? text[i] != asked[i]
				   : str_lower(text[i]) != str_lower(asked[i]))
			return false;
		if (!text[i])
			return true;
	}
	return true;
}

static enum selector_answer any_login_pattern(
    const struct pattern_set *set, const char *login, struct selector_notes *notes)
{
	struct pattern_subject subject = pattern_subject_of_login(login);
	const char *at = strrchr(login, '@');
	struct domain domain;
	enum selector_answer answer = SELECTOR_NO;

	if (at) {
		(void)domain_lacked_memory(); /* for another domain */
		domain_normal(at + 1, strlen(at + 1), &domain);
		subject.domain = domain.text;
		if (domain_lacked_memory())
			answer = SELECTOR_UNSURE;
	}
	for (size_t i = 0; i < set->count && answer != SELECTOR_YES; i++) {
		int rc = pattern_match_subject(&set->list[i], &subject);
		notes->limits += rc == ERR_LIMIT;
		if (rc == 1)
			answer = SELECTOR_YES;
		else if (rc < 0 && rc != ERR_LIMIT)
			answer = SELECTOR_UNSURE;
	}
	return answer;
}

/* A login that was cut must be equal up to its cut; a pattern may depend on the missing end. */
static enum selector_answer any_login(const struct selector *s, const struct message *m,
    const char *text, struct selector_notes *notes)
{
	size_t max = m->flags & MESSAGE_CUT_TEXT ? MESSAGE_TEXT_MAX : SIZE_MAX;
	struct strlist logins = strlist_of(&s->logins);

	if (!*text)
		return SELECTOR_NO;
	strlist_each (asked, &logins)
		if (is_login(s, text, asked, max))
			return SELECTOR_YES;
	if (s->login_patterns.count == 0)
		return SELECTOR_NO;
	if (strlen(text) >= MESSAGE_TEXT_MAX)
		return SELECTOR_UNSURE;
	return any_login_pattern(&s->login_patterns, text, notes);
}

bool selector_asks_login(const struct selector *s)
{
	return s->logins.len > 0 || s->login_patterns.count > 0;
}

static enum pass login_pass(
    const struct selector *s, const struct message *m, struct selector_notes *notes)
{
	if (!selector_asks_login(s))
		return PASS_OWN;
	enum selector_answer own = any_login(s, m, m->login, notes);
	if (own != SELECTOR_YES)
		own = either(own, any_login(s, m, m->queued.login, notes));
	if (own == SELECTOR_YES)
		return PASS_OWN;
	enum selector_answer first = any_login(s, m, m->first.login, notes);
	if (first == SELECTOR_YES)
		return PASS_FIRST;
	if (own == SELECTOR_UNSURE || first == SELECTOR_UNSURE)
		return PASS_UNSURE;
	return m->flags & MESSAGE_UNJOINED && !m->first.login[0] ? PASS_UNKNOWN : PASS_NO;
}

static bool any_client(const struct selector *s, const struct net_address *address)
{
	return net_any_contains(s->clients.list, s->clients.count, address);
}

static enum pass client_pass(const struct selector *s, const struct message *m)
{
	/* log_client is the first client: by XFORWARD, or from before a requeue. */
	if (s->clients.count == 0 || any_client(s, &m->client) ||
	    any_client(s, &m->queued.client) || any_client(s, &m->queued.log_client))
		return PASS_OWN;
	if (any_client(s, &m->first.client))
		return PASS_FIRST;
	return m->flags & MESSAGE_UNJOINED && m->first.client.family == 0 ? PASS_UNKNOWN : PASS_NO;
}

/* Either side may lack one or both of <>. */
static bool is_message_id(const struct message *m, const char *id, const char *asked)
{
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
	if (s->message_ids.len == 0)
		return true;
	struct strlist ids = strlist_of(&s->message_ids);
	strlist_each (asked, &ids) {
		if (is_message_id(m, m->message_id, asked) ||
		    is_message_id(m, m->queued.message_id, asked))
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

	if (s->ids.count == 0)
		return;
	qsort(s->ids.list, s->ids.count, sizeof(*s->ids.list), compare_ids);
	for (size_t i = 0; i < s->ids.count; i++)
		if (kept == 0 || compare_ids(&s->ids.list[kept - 1], &s->ids.list[i]) != 0)
			s->ids.list[kept++] = s->ids.list[i];
	s->ids.count = kept;
}

static bool wants_id(const struct selector *s, const struct message *m)
{
	if (!s->ids_given)
		return true;
	return s->ids.count > 0 &&
	       bsearch(&m->queue_id, s->ids.list, s->ids.count, sizeof(*s->ids.list), compare_ids);
}

static bool wants_uid(const struct selector *s, const struct message *m)
{
	for (size_t i = 0; m->queued.known && m->queued.uid >= 0 && i < s->uids.count; i++)
		if (s->uids.list[i] == (uint64_t)m->queued.uid)
			return true;
	return s->uids.count == 0;
}

bool selector_is_empty(const struct selector *s)
{
	return s->author.count == 0 && s->sender.count == 0 && s->from.count == 0 &&
	       s->recipient.count == 0 && !selector_asks_login(s) && s->message_ids.len == 0 &&
	       s->clients.count == 0 && s->uids.count == 0 && !s->ids_given &&
	       s->arrived_before == 0 && s->arrived_after == 0 && s->larger_than < 0 &&
	       s->queues == 0 && !selector_asks_file(s);
}

/* PATTERN, --sender and --from. 0 if one of them fails. */
static unsigned match_authors(const struct selector *s, const struct message *m,
    const struct selector_header *read, struct selector_notes *notes)
{
	bool cut = read ? read->cut : message_from_is_cut(m);
	unsigned matched = 0, envelope, header;

	if (s->sender.count > 0) {
		envelope = halves_of_sender(&s->sender, m, notes);
		if (!envelope)
			return 0;
		matched |= given_alone(m, envelope);
	}
	if (s->from.count > 0) {
		header = halves_of_from(&s->from, m, read && read->from, cut, notes);
		if (!header)
			return 0;
		matched |= header == MAYBE ? MATCHED_UNSURE : given_alone(m, header);
	}
	if (s->author.count == 0)
		return matched | MATCHED_OTHER;
	envelope = halves_of_sender(&s->author, m, notes);
	header = halves_of_from(&s->author, m, read && read->author, cut, notes);
	if (header == MAYBE) {
		/* If the envelope matches, MATCHED_FROM is not set. */
		header = envelope ? 0 : MAYBE;
		matched |= envelope ? 0 : MATCHED_UNSURE;
	}
	if (!envelope && !header)
		return 0;
	return matched | (envelope ? MATCHED_ENVELOPE : 0) | (header ? MATCHED_FROM : 0) |
	       given_alone(m, envelope | header);
}

unsigned selector_nominate_read(const struct selector *s, const struct message *m,
    const struct selector_header *header, struct selector_notes *notes)
{
	struct selector_notes unheard = {0};

	if (!notes)
		notes = &unheard;
	/* Cheap questions come first, because this runs for each message of the index. */
	if (!wants_id(s, m) || !wants_uid(s, m) || !wants_message_id(s, m))
		return 0;
	enum pass client = client_pass(s, m);
	enum pass login = client == PASS_NO ? PASS_NO : login_pass(s, m, notes);
	if (login == PASS_NO)
		return 0;
	/* Without any condition nothing matches. */
	if (selector_is_empty(s) && !s->all)
		return 0;
	unsigned before = notes->limits;
	unsigned matched = match_authors(s, m, header, notes);
	if (header && notes->limits == before)
		notes->limits += header->limits;
	enum selector_answer recipients = matched ? wants_recipients(s, m, notes) : SELECTOR_NO;
	if (recipients == SELECTOR_NO)
		return 0;
	if (login == PASS_UNKNOWN || client == PASS_UNKNOWN) {
		notes->unjoined++;
		return 0;
	}
	if (login == PASS_FIRST || client == PASS_FIRST)
		matched |= MATCHED_JOINED;
	if (recipients == SELECTOR_UNSURE || login == PASS_UNSURE)
		matched |= MATCHED_UNSURE;
	return matched;
}

unsigned selector_nominate(
    const struct selector *s, const struct message *m, struct selector_notes *notes)
{
	return selector_nominate_read(s, m, NULL, notes);
}

unsigned selector_nominate_row(
    const struct selector *s, const struct message *m, struct selector_notes *notes)
{
	if (!s->only)
		return selector_nominate(s, m, notes);

	struct selector any = *s;
	struct selector_notes unheard = {0};
	struct waiting w = waiting_of(m);

	any.only = false;
	unsigned matched = selector_nominate(&any, m, notes);
	if (!matched || s->recipient.count == 0)
		return matched;
	uint32_t wanted = count_matching(s, &w, true, notes ? notes : &unheard);
	if (!m->queued.known || w.cut || (wanted > 0 && wanted < w.count))
		return matched | MATCHED_UNSURE;
	return wanted > 0 ? matched : 0;
}
