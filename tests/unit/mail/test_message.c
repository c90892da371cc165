/* SPDX-License-Identifier: ISC */
/* struct message: the empty one, the domain of an address, the authors of a message. */
#include "tests/unit/unit.h"

#include "mail/address/from.h"
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
	assert_false(m.queued.known);
	assert_string_equal(m.queued.sender, "");
	assert_string_equal(m.queued.login, "");
	assert_string_equal(m.queued.message_id, "");
	assert_string_equal(m.queued.log_ident, "");
	assert_true(m.queued.size == -1 && m.queued.uid == -1 && m.queued.create_time == -1);
	assert_string_equal(m.first.login, "");
	assert_string_equal(m.first.queue_id.text, "");
	strlist_each (item, &m.from) {
		fail_msg("the empty list holds '%s'", item);
	}
}

static void fill_queued(struct queued *q)
{
	q->known = true;
	q->sender = "srs@queued.example";
	q->login = "queued";
	q->message_id = "<queued@x>";
	q->from = (struct strlist){.first = "q@queued.example", .bytes = 17, .count = 1};
	q->arrival_time = 200;
	q->client_port = 2;
	assert_int_equal(net_parse("192.0.2.2", &q->client), 0);
}

static void fill_given(struct message *m)
{
	m->origin = ORIGIN_SMTPD;
	m->sender = "user@given.example";
	m->login = "given";
	m->message_id = "<given@x>";
	m->from = (struct strlist){.first = "g@given.example", .bytes = 16, .count = 1};
	m->mail_time = 100;
	m->client_port = 1;
	assert_int_equal(net_parse("192.0.2.1", &m->client), 0);
}

static void check_halves(
    const struct message *m, const char *sender, const char *who, int64_t arrival, unsigned port)
{
	const struct net_address *client;
	char text[NET_TEXT_SIZE], want[NET_TEXT_SIZE];
	uint16_t got = 99;

	assert_string_equal(message_sender(m), sender);
	assert_string_equal(message_login(m), who);
	assert_int_equal(message_arrival(m), arrival);
	assert_memory_equal(message_id_of(m) + 1, who, strlen(who));
	assert_memory_equal(strchr(message_from(m)->first, '@') + 1, who, strlen(who));
	client = message_client(m, &got);
	assert_int_equal(got, port);
	assert_ptr_equal(message_client(m, NULL), client);
	snprintf(want, sizeof(want), "192.0.2.%u", port);
	assert_string_equal(net_text(client, text), want);
}

static void test_halves(void **state)
{
	struct message m;

	(void)state;
	message_init(&m);
	fill_given(&m);
	assert_true(message_is_given(&m));
	check_halves(&m, "user@given.example", "given", 100, 1);
	fill_queued(&m.queued);
	check_halves(&m, "srs@queued.example", "given", 200, 1);
	message_init(&m);
	m.origin = ORIGIN_QUEUE;
	fill_queued(&m.queued);
	assert_false(message_is_given(&m));
	check_halves(&m, "srs@queued.example", "queued", 200, 2);
	m.queued.login = "";
	m.first.login = "first";
	assert_string_equal(message_login(&m), "first");
	m.queued.sender = "";
	assert_string_equal(message_sender(&m), "");
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

/* Domains in brackets, in order, so that the null sender and no domain look different. */
static void authors_text(const struct message *m, size_t max, struct strbuf *out)
{
	struct domain list[MESSAGE_AUTHORS_MAX];
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
		m.origin = ORIGIN_SMTPD;
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

/* The authors of both halves, each once, the given sender's first. */
static void test_authors_of_halves(void **state)
{
	struct strbuf got = {0};
	struct message m;

	(void)state;
	message_init(&m);
	fill_given(&m);
	m.sender = "a@z.example";
	fill_queued(&m.queued);
	authors_text(&m, 65, &got);
	assert_string_equal(got.text, "(z.example)(given.example)(queued.example)");
	m.origin = ORIGIN_QUEUE;
	m.sender = "";
	m.from = (struct strlist){.count = 0};
	authors_text(&m, 65, &got);
	assert_string_equal(got.text, "(queued.example)");
	/* With cut mailboxes, a search for any author must find this message. */
	m.flags = MESSAGE_CUT_QUEUED_FROM;
	authors_text(&m, 65, &got);
	assert_string_equal(got.text, "(queued.example)(*)");
	m.flags = MESSAGE_CUT_FROM;
	authors_text(&m, 65, &got);
	assert_string_equal(got.text, "(queued.example)");
	m.queued.known = false;
	authors_text(&m, 65, &got);
	assert_string_equal(got.text, "(*)");
	strbuf_release(&got);
}

UNIT_MAIN(cmocka_unit_test(test_init), cmocka_unit_test(test_halves), cmocka_unit_test(test_domain),
    cmocka_unit_test(test_authors), cmocka_unit_test(test_authors_of_halves))
