/* SPDX-License-Identifier: ISC */
/* For tests of selectors: the message that most rows use, and options as words. */
#ifndef PQPURGE_TESTS_SELECTOR_WORDS_H
#define PQPURGE_TESTS_SELECTOR_WORDS_H

#include "mail/selector/selector.h"
#include "tests/unit/unit.h"

/* A selector in words, and the parts of a message that it must match. */
struct row {
	const char *name;
	const char *words[11];
	unsigned want;
};

static struct strbuf from, recipients, queued_from, queued_recipients, originals;

/* Only sure matches count. */
static inline unsigned selector_match(
    const struct selector *s, const struct message *m, struct selector_notes *notes)
{
	unsigned matched = selector_nominate(s, m, notes);

	return matched & MATCHED_UNSURE ? 0 : matched;
}

static inline void usual(struct message *m)
{
	static const char *const mailboxes[] = {"boss@header.example", "Second@other.example"};
	static const char *const rcpts[] = {
	    "one@dest.example", "two@dest.example", "three@elsewhere.example"};

	strbuf_clear(&from);
	strbuf_clear(&recipients);
	message_init(m);
	assert_int_equal(queue_id_parse("1A2B3BC614E", 11, &m->queue_id), 0);
	m->origin = ORIGIN_SMTPD;
	m->sender = "user@sub.example.com";
	m->login = "bob";
	m->message_id = "<abc@mail.example.com>";
	assert_int_equal(net_parse("192.0.2.77", &m->client), 0);
	for (size_t i = 0; i < COUNT_OF(mailboxes); i++)
		strlist_push(&from, mailboxes[i], strlen(mailboxes[i]));
	for (size_t i = 0; i < COUNT_OF(rcpts); i++)
		strlist_push(&recipients, rcpts[i], strlen(rcpts[i]));
	m->from = strlist_of(&from);
	m->recipients = strlist_of(&recipients);
	m->recipient_count = m->recipients.count;
}

static inline struct strlist packed_list(struct strbuf *packed, const char *const *texts, size_t n)
{
	strbuf_clear(packed);
	for (size_t i = 0; i < n; i++)
		strlist_push(packed, texts[i], strlen(texts[i]));
	return strlist_of(packed);
}

/* Its queue file: the sender rewritten, From masqueraded, an alias expanded. */
static inline void usual_queued(struct message *m)
{
	static const char *const mailboxes[] = {"boss@masked.example", "Second@other.example"};
	static const char *const rcpts[] = {"first@alias.example", "two@dest.example"};
	static const char *const names[] = {"first@dest.example", ""};
	struct queued *q = &m->queued;

	q->known = true;
	q->sender = "srs0=x=sub.example.com=user@srs.example";
	q->from = packed_list(&queued_from, mailboxes, COUNT_OF(mailboxes));
	q->recipients = packed_list(&queued_recipients, rcpts, COUNT_OF(rcpts));
	q->originals = packed_list(&originals, names, COUNT_OF(names));
	q->recipient_count = q->recipients.count;
	q->login = "robert";
	q->message_id = "<new@mail.example.com>";
	assert_int_equal(net_parse("192.0.2.78", &q->client), 0);
	assert_int_equal(net_parse("203.0.113.9", &q->log_client), 0);
}

static inline void add_pattern(struct pattern_set *set, const char *text)
{
	struct err err = {{0}};
	struct pattern p;

	if (pattern_parse(text, &p, &err) != 0)
		fail_msg("'%s': %s", text, err.text);
	assert_int_equal(pattern_set_add(set, &p), 0);
	assert_null(p.text);
}

static inline void add_id(struct selector *s, const char *text)
{
	struct queue_id id;

	assert_int_equal(queue_id_parse(text, strlen(text), &id), 0);
	assert_int_equal(selector_add_id(s, &id), 0);
}

/* Pairs of option and value; an author pattern has the option "". */
static inline void fill(struct selector *s, const char *const *words)
{
	bool exact = false;

	selector_init(s);
	for (; words[0]; words += 2) {
		const char *o = words[0], *value = words[1];

		if (!*o)
			add_pattern(&s->author, value);
		else if (strcmp(o, "sender") == 0)
			add_pattern(&s->sender, value);
		else if (strcmp(o, "from") == 0)
			add_pattern(&s->from, value);
		else if (strcmp(o, "recipient") == 0)
			add_pattern(&s->recipient, value);
		else if (strcmp(o, "login") == 0)
			assert_int_equal(selector_add_login_text(s, value, NULL), 0);
		else if (strcmp(o, "message-id") == 0)
			assert_int_equal(selector_add_message_id(s, value), 0);
		else if (strcmp(o, "client") == 0)
			assert_int_equal(selector_add_client(s, value, NULL), 0);
		else if (strcmp(o, "id") == 0)
			add_id(s, value);
		else if (strcmp(o, "ids") == 0)
			s->ids_given = true;
		else if (strcmp(o, "only") == 0)
			s->only = true;
		else if (strcmp(o, "all") == 0)
			s->all = true;
		else if (strcmp(o, "exact") == 0)
			exact = true;
		else
			fail_msg("unknown option '%s'", o);
	}
	assert_int_equal(selector_set_login_case(s, exact), 0);
	selector_seal(s);
}

static inline int teardown(void **state)
{
	(void)state;
	strbuf_release(&from);
	strbuf_release(&recipients);
	strbuf_release(&queued_from);
	strbuf_release(&queued_recipients);
	strbuf_release(&originals);
	return 0;
}

#define E MATCHED_ENVELOPE
#define F MATCHED_FROM
#define O MATCHED_OTHER
#define U MATCHED_UNSURE
#define G MATCHED_GIVEN
#define J MATCHED_JOINED
#define C MESSAGE_CUT_QUEUED_RECIPIENTS

#endif
