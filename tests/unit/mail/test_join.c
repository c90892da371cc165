/* SPDX-License-Identifier: ISC */
/* Joining mail that came back from a filter: a row is its first pass only if everything agrees. */
#include "tests/unit/unit.h"

#include "mail/join.h"

static void test_local(void **state)
{
	static const struct {
		const char *address;
		bool want;
	} cases[] = {
	    {"127.0.0.1", true},
	    {"127.9.9.9", true},
	    {"::1", true},
	    {"::ffff:127.0.0.1", true},
	    {"192.0.2.5", true},
	    {"2001:db8::5", true},
	    {"128.0.0.1", false},
	    {"192.0.3.5", false},
	    {"::2", false},
	    {"2001:db9::5", false},
	};
	struct net_block own[2];
	struct net_address none = {.family = 0};

	(void)state;
	assert_int_equal(net_parse_block("192.0.2.0/24", &own[0]), 0);
	assert_int_equal(net_parse_block("2001:db8::/32", &own[1]), 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct net_address address;

		assert_int_equal(net_parse(cases[i].address, &address), 0);
		case_assert(cases[i].address, join_is_local(&address, own, 2) == cases[i].want);
	}
	assert_true(join_is_local(&none, NULL, 0));
}

/* ---- joining: a first row and the message that came back, with one thing changed */

#define FIRST_ID  "C951EA72936"
#define SECOND_ID "D9B21A72942"

static struct strbuf lists[6];

static struct strlist list_of(unsigned n, const char *a, const char *b)
{
	strbuf_clear(&lists[n]);
	if (a)
		strlist_push(&lists[n], a, strlen(a));
	if (b)
		strlist_push(&lists[n], b, strlen(b));
	return strlist_of(&lists[n]);
}

static void set_id(struct queue_id *id, const char *text)
{
	assert_int_equal(queue_id_parse(text, strlen(text), id), 0);
}

static void set_client(struct net_address *client, const char *text)
{
	assert_int_equal(net_parse(text, client), 0);
}

/* As the milter saw it; its file is gone. */
static void fill_first(struct message *m)
{
	message_init(m);
	set_id(&m->queue_id, FIRST_ID);
	m->origin = ORIGIN_SMTPD;
	m->sender = "joe@example.com";
	m->login = "joe";
	m->message_id = "<1@example.com>";
	m->recipients = list_of(0, "u@dest.test", "v@dest.test");
	m->recipient_count = 2;
	m->mail_time = 1000;
	m->rcpt_time = 1001;
	set_client(&m->client, "203.0.113.7");
}

/* As its file says. */
static void fill_second(struct message *m)
{
	message_init(m);
	set_id(&m->queue_id, SECOND_ID);
	m->origin = ORIGIN_QUEUE;
	m->flags = MESSAGE_UNJOINED;
	m->queued.known = true;
	m->queued.sender = "JOE@example.com";
	m->queued.message_id = "<1@example.com>";
	m->queued.recipients = list_of(2, "v@dest.test", NULL);
	m->queued.originals = list_of(3, "", NULL);
	m->queued.recipient_count = 1;
	m->queued.arrival_time = 2000;
	set_client(&m->queued.client, "127.0.0.1");
	set_id(&m->first.queue_id, FIRST_ID);
	set_client(&m->first.client, "203.0.113.7");
}

static void test_judge_same(void **state)
{
	struct message first, second;

	(void)state;
	fill_first(&first);
	fill_second(&second);
	assert_true(join_judge(&first, &second, true));
	assert_false(join_judge(&first, &second, false));
	/* A Received header named the login, or its protocol showed that there was one. */
	second.first.login = "joe";
	assert_true(join_judge(&first, &second, true));
	second.first.login = "";
	second.first.client = (struct net_address){.family = 0};
	assert_true(join_judge(&first, &second, true));
	/* An alias expanded on the way back: its original name counts. */
	second.queued.recipients = list_of(2, "alias@z.test", NULL);
	second.queued.originals = list_of(3, "v@dest.test", NULL);
	assert_true(join_judge(&first, &second, true));
	/* A milter saw both. */
	second.origin = ORIGIN_SMTPD;
	second.sender = "joe@example.com";
	second.recipients = list_of(4, "u@dest.test", NULL);
	second.recipient_count = 1;
	second.mail_time = 1999;
	assert_true(join_judge(&first, &second, true));
}

/* The first row was made from its file, after the sender was rewritten and an alias expanded. */
static void test_judge_queued_first(void **state)
{
	struct message first, second;

	(void)state;
	fill_first(&first);
	first.queued.known = true;
	first.queued.sender = "srs@srs.test";
	first.queued.recipients = list_of(1, "expanded@dest.test", NULL);
	first.queued.arrival_time = 1000;
	fill_second(&second);
	second.queued.sender = "srs@srs.test";
	second.queued.recipients = list_of(2, "expanded@dest.test", NULL);
	assert_true(join_judge(&first, &second, true));
}

static void refuse_id(struct message *first, struct message *second)
{
	(void)first;
	set_id(&second->first.queue_id, "C951EA72937");
}
static void refuse_no_id(struct message *first, struct message *second)
{
	(void)first;
	second->first.queue_id.text[0] = '\0';
}
static void refuse_itself(struct message *first, struct message *second)
{
	set_id(&first->queue_id, SECOND_ID);
	set_id(&second->first.queue_id, SECOND_ID);
}
static void refuse_message_id(struct message *first, struct message *second)
{
	(void)first;
	second->queued.message_id = "<2@example.com>";
}
static void refuse_no_message_id(struct message *first, struct message *second)
{
	first->message_id = "";
	second->queued.message_id = "";
}
static void refuse_sender(struct message *first, struct message *second)
{
	(void)first;
	second->queued.sender = "ann@example.com";
}
static void refuse_null_sender(struct message *first, struct message *second)
{
	/* A missing half is no null sender. */
	first->origin = ORIGIN_QUEUE;
	first->sender = "";
	second->queued.sender = "";
}
static void refuse_recipient(struct message *first, struct message *second)
{
	(void)first;
	second->queued.recipients = list_of(2, "v@dest.test", "w@dest.test");
	second->queued.originals = list_of(3, "", "");
}
static void refuse_cut(struct message *first, struct message *second)
{
	(void)first;
	second->flags |= MESSAGE_CUT_QUEUED_RECIPIENTS;
}
static void refuse_no_recipient(struct message *first, struct message *second)
{
	(void)first;
	second->queued.recipients = (struct strlist){.count = 0};
}
static void refuse_client(struct message *first, struct message *second)
{
	(void)first;
	set_client(&second->first.client, "203.0.113.8");
}
static void refuse_login(struct message *first, struct message *second)
{
	(void)first;
	second->first.login = "ann";
}
static void refuse_plain(struct message *first, struct message *second)
{
	(void)first;
	second->flags |= MESSAGE_FIRST_PLAIN;
}
static void refuse_earlier(struct message *first, struct message *second)
{
	(void)first;
	second->queued.arrival_time = 999;
}

static void test_judge_other(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct message *first, struct message *second);
	} cases[] = {
	    {"another ID", refuse_id},
	    {"no ID", refuse_no_id},
	    {"itself", refuse_itself},
	    {"another Message-ID", refuse_message_id},
	    {"no Message-ID", refuse_no_message_id},
	    {"another sender", refuse_sender},
	    {"a missing half's sender", refuse_null_sender},
	    {"a recipient more", refuse_recipient},
	    {"recipients cut", refuse_cut},
	    {"no recipient", refuse_no_recipient},
	    {"another client told", refuse_client},
	    {"another login told", refuse_login},
	    {"nobody logged in, told", refuse_plain},
	    {"it came earlier", refuse_earlier},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct message first, second;

		fill_first(&first);
		fill_second(&second);
		case_assert(cases[i].name, join_judge(&first, &second, true));
		cases[i].change(&first, &second);
		case_assert(cases[i].name, !join_judge(&first, &second, true));
	}
}

static void expect_first(
    const struct message *m, const char *id, const char *login, const char *client, uint32_t flags)
{
	char text[NET_TEXT_SIZE];

	assert_string_equal(m->first.queue_id.text, id);
	assert_string_equal(m->first.login, login);
	assert_string_equal(net_text(&m->first.client, text), client);
	assert_int_equal(m->flags, flags);
}

static void test_take(void **state)
{
	struct message first, second;

	(void)state;
	fill_first(&first);
	fill_second(&second);
	second.flags |= MESSAGE_FIRST_PLAIN;
	join_take(&first, &second);
	expect_first(&second, FIRST_ID, "joe", "203.0.113.7", MESSAGE_JOINED);
	/* The first row came back from a filter itself. */
	fill_second(&first);
	fill_second(&second);
	first.flags = MESSAGE_JOINED;
	first.first.login = "joe";
	set_id(&first.first.queue_id, "ADE00A73CA5");
	join_take(&first, &second);
	expect_first(&second, "ADE00A73CA5", "joe", "203.0.113.7", MESSAGE_JOINED);
	/* And its login is not known there either. */
	fill_second(&second);
	first.flags = MESSAGE_UNJOINED;
	first.first.login = "";
	join_take(&first, &second);
	expect_first(&second, "ADE00A73CA5", "", "203.0.113.7", MESSAGE_UNJOINED);
	/* XFORWARD named the first row's client. */
	fill_first(&first);
	fill_second(&second);
	set_client(&first.queued.client, "127.0.0.1");
	set_client(&first.queued.log_client, "198.51.100.1");
	first.client = first.queued.client;
	join_take(&first, &second);
	expect_first(&second, FIRST_ID, "joe", "198.51.100.1", MESSAGE_JOINED);
}

static void test_refuse(void **state)
{
	struct message second;

	(void)state;
	fill_second(&second);
	second.first.login = "joe";
	second.flags |= MESSAGE_FIRST_PLAIN;
	join_refuse(&second);
	expect_first(&second, "", "", "", MESSAGE_UNJOINED);
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		strbuf_release(&lists[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_judge_same),
	    cmocka_unit_test(test_judge_queued_first),
	    cmocka_unit_test(test_judge_other),
	    cmocka_unit_test(test_take),
	    cmocka_unit_test(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
