/* SPDX-License-Identifier: ISC */
/* struct message: the empty one, the domain of an address, the authors of a message. */
#include "tests/unit/unit.h"

#include "mail/from.h"
#include "mail/message.h"

static void test_init(void **state)
{
	struct message m;

	(void)state;
	memset(&m, 0xff, sizeof(m));
	message_init(&m);
	assert_string_equal(m.sender, "");
	assert_string_equal(m.login, "");
	assert_string_equal(m.message_id, "");
	assert_string_equal(m.subject, "");
	assert_int_equal(m.from.count, 0);
	assert_int_equal(m.recipients.count, 0);
	assert_int_equal(m.client.family, 0);
	assert_int_equal(m.flags, 0);
	assert_string_equal(m.queue_id.text, "");
	strlist_each (item, &m.from) {
		fail_msg("the empty list holds '%s'", item);
	}
}

static void test_domain(void **state)
{
	static const struct {
		const char *name, *normal, *want;
		enum domain_kind kind;
	} rows[] = {
	    {"name", "user@example.com", "example.com", DOMAIN_NAME},
	    {"last at sign", "a@b@example.com", "example.com", DOMAIN_NAME},
	    {"null sender", "", "", DOMAIN_NULL},
	    {"no domain", "root", "", DOMAIN_NONE},
	    {"literal", "user@[192.0.2.1]", "[192.0.2.1]", DOMAIN_LITERAL},
	    {"raw", "user@-bad.example", "-bad.example", DOMAIN_RAW},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct domain d;

		message_domain(rows[i].normal, &d);
		case_assert_text(rows[i].name, d.text, rows[i].want);
		case_assert(rows[i].name, d.kind == rows[i].kind);
	}
}

/* Domains in brackets, in order: that tells the null sender and no domain apart. */
static void authors_text(const struct message *m, size_t max, struct strbuf *out)
{
	struct domain list[1 + FROM_MAILBOX_MAX];
	size_t count = message_authors(m, list, max);

	strbuf_clear(out);
	strbuf_puts(out, "");
	for (size_t i = 0; i < count; i++)
		strbuf_printf(out, "(%s)", list[i].kind == DOMAIN_NULL ? "<>" : list[i].text);
}

static void test_authors(void **state)
{
	static const struct {
		const char *name, *sender, *from[5], *want;
		size_t max;
	} rows[] = {
	    {"envelope alone", "a@example.com", {NULL}, "(example.com)", 65},
	    {"the same twice", "a@example.com", {"b@example.com"}, "(example.com)", 65},
	    {"envelope first", "a@z.example", {"b@a.example", "c@b.example"},
		"(z.example)(a.example)(b.example)", 65},
	    {"repeated in the header", "a@z.example", {"b@a.example", "c@z.example", "d@a.example"},
		"(z.example)(a.example)", 65},
	    {"null sender", "", {"b@a.example"}, "(<>)(a.example)", 65},
	    {"null sender and a mailbox without domain", "", {"root"}, "(<>)()", 65},
	    {"no domain twice", "root", {"daemon"}, "()", 65},
	    {"room for two", "a@z.example", {"b@a.example", "c@b.example"},
		"(z.example)(a.example)", 2},
	    {"room for one", "a@z.example", {"b@a.example"}, "(z.example)", 1},
	    {"no room", "a@z.example", {"b@a.example"}, "", 0},
	    {"literal is no name", "a@[192.0.2.1]", {"b@192.0.2.1"}, "([192.0.2.1])(192.0.2.1)",
		65},
	};
	struct strbuf from = {0}, got = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct message m;

		message_init(&m);
		strbuf_clear(&from);
		m.sender = rows[i].sender;
		for (size_t k = 0; k < COUNT_OF(rows[i].from) && rows[i].from[k]; k++)
			strlist_push(&from, rows[i].from[k], strlen(rows[i].from[k]));
		m.from = strlist_of(&from);
		authors_text(&m, rows[i].max, &got);
		case_assert_text(rows[i].name, strbuf_text(&got), rows[i].want);
	}
	strbuf_release(&from);
	strbuf_release(&got);
}

UNIT_MAIN(
    cmocka_unit_test(test_init), cmocka_unit_test(test_domain), cmocka_unit_test(test_authors))
