/* SPDX-License-Identifier: ISC */
/* For tests of selection: messages with known positions, and a short form of selectors. */
#ifndef PQPURGE_TESTS_SELECT_FIXTURE_H
#define PQPURGE_TESTS_SELECT_FIXTURE_H

#include "tests/unit/index/fixture.h"

#include "index/rows/select.h"

static const char *const long_label =
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff";

static char deep_domain[260], deeper_domain[270], deep_address[300], deeper_address[300];

/* Inode 100 + position; time 1000 + position. */
static struct mail mails[] = {
    {.sender = "a@example.com", .recipient = "u@dest.example"},
    {.sender = "b@sub.example.com", .login = "mallory"},
    {.sender = "c@badexample.com"},
    {.sender = "d@example.com.evil.test"},
    {.sender = "e@other.example", .from = "f@example.com"},
    {.sender = "", .from = "g@deep.sub.example.com"},
    {.sender = "A@example.net", .recipient = "v@dest.example"},
    {.sender = "x@[192.0.2.1]"},
    {.sender = "nodomain"},
    {.sender = "h@example.com", .from = "h@example.com"},
    {.sender = deep_address},
    {.sender = deeper_address},
};

static inline void make_deep_domains(void)
{
	(void)snprintf(deep_domain, sizeof deep_domain, "%s.%s.%s.%s.com", long_label, long_label,
	    long_label, long_label);
	(void)snprintf(deeper_domain, sizeof deeper_domain, "x.%s", deep_domain);
	(void)snprintf(deep_address, sizeof deep_address, "a@%s", deep_domain);
	(void)snprintf(deeper_address, sizeof deeper_address, "a@%s", deeper_domain);
}

static inline void add_mails(struct store *store)
{
	struct txn txn;

	make_deep_domains();
	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (size_t i = 0; i < COUNT_OF(mails); i++) {
		mails[i].usec = (uint32_t)i;
		mails[i].inode = 100 + i;
		mails[i].time = 1000 + (int64_t)i;
		fixture_add(&txn, &mails[i], NULL);
	}
	assert_int_equal(txn_commit(&txn, NULL), 0);
}

/* A selector as from the command line. */
struct ask {
	const char *author[4], *sender, *from, *recipient, *login;
	unsigned ids[3]; /* positions + 1 */
	bool subdomains, all, no_ids;
};

static inline void add_pattern(struct pattern_set *set, const char *text, bool subdomains)
{
	struct pattern p;
	struct err err = {0};

	if (!text)
		return;
	if (pattern_parse(text, &p, &err) != 0)
		case_fail(text, "%s", err.text);
	if (subdomains)
		pattern_include_subdomains(&p);
	assert_int_equal(pattern_set_add(set, &p), 0);
}

static inline struct selector selector_of(const struct ask *ask)
{
	struct selector s;

	selector_init(&s);
	for (size_t i = 0; i < COUNT_OF(ask->author); i++)
		add_pattern(&s.author, ask->author[i], ask->subdomains);
	add_pattern(&s.sender, ask->sender, ask->subdomains);
	add_pattern(&s.from, ask->from, ask->subdomains);
	add_pattern(&s.recipient, ask->recipient, ask->subdomains);
	if (ask->login)
		assert_int_equal(selector_add_login(&s, ask->login), 0);
	for (size_t i = 0; i < COUNT_OF(ask->ids) && ask->ids[i]; i++) {
		struct queue_id id = fixture_id(ask->ids[i] - 1, 99 + ask->ids[i]);

		assert_int_equal(selector_add_id(&s, &id), 0);
	}
	if (ask->no_ids)
		s.ids_given = true;
	s.all = ask->all;
	selector_seal(&s);
	return s;
}

/* As the parent views the child's bytes. */
static inline struct candidates view(struct bytes *out)
{
	struct blob blob = {.at = out->at, .len = out->len};
	struct candidates got;
	struct err err = {0};

	if (select_view(&blob, &got, &err) != 0)
		case_fail("view", "%s", err.text);
	assert_null(blob.at);
	return got;
}

static inline void positions_of(const struct candidates *c, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < c->count && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%d", i ? " " : "",
		    (int)(candidate_message(&c->list[i]).mail_time - 1000));
}

#endif
