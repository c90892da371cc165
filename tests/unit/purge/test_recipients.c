/* SPDX-License-Identifier: ISC */
/* A message as JSON: recipients given and queued, senders, the submitter, the first pass. */
#include "tests/unit/unit.h"

#include "purge/tell/wording.h"
#include "tests/unit/purge/crafted.h"

static void push(struct strbuf *packed, const char *words)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (strncmp(words, "-", len) == 0 && len == 1)
			strlist_push(packed, "", 0);
		else
			strlist_push(packed, words, len);
		words += len + (words[len] == ' ');
	}
}

static void assert_json(const char *name, struct json *o, const char *want)
{
	struct strbuf text = {0};

	assert_int_equal(json_write(&text, o), 0);
	text.text[strcspn(text.text, "\n")] = '\0';
	case_assert_text(name, text.text, want);
	strbuf_release(&text);
}

#define A "{\"address\":\"a@x.test\"}"

/* Lists of words; "-" is an empty one. */
static void test_recipients(void **state)
{
	static const struct {
		const char *name, *given, *queued, *originals; /* queued NULL: not read */
		uint32_t flags;
		const char *want;
	} cases[] = {
	    {"not read", "a@x.test b@x.test", NULL, NULL, 0, "[" A ",{\"address\":\"b@x.test\"}]"},
	    {"the same", "a@x.test b@x.test", "a@x.test b@x.test", "- -", 0,
		"[" A ",{\"address\":\"b@x.test\"}]"},
	    {"the same in another case", "a@x.test", "A@x.test", "-", 0, "[" A "]"},
	    {"an alias", "a@x.test", "c@y.test", "a@x.test", 0,
		"[{\"address\":\"a@x.test\",\"queued_address\":[\"c@y.test\"]}]"},
	    {"an alias for two, and one beside", "a@x.test b@x.test", "c@y.test d@y.test b@x.test",
		"a@x.test a@x.test -", 0,
		"[{\"address\":\"a@x.test\",\"queued_address\":[\"c@y.test\",\"d@y.test\"]},"
		"{\"address\":\"b@x.test\"}]"},
	    {"an alias that keeps the address", "a@x.test", "a@x.test d@y.test",
		"a@x.test a@x.test", 0,
		"[{\"address\":\"a@x.test\",\"queued_address\":[\"a@x.test\",\"d@y.test\"]}]"},
	    {"always_bcc", "a@x.test", "a@x.test all@y.test", "- -", 0,
		"[" A ",{\"address\":\"all@y.test\",\"added\":true}]"},
	    {"one was delivered", "a@x.test b@x.test", "b@x.test", "-", 0,
		"[{\"address\":\"a@x.test\",\"queued_address\":[]},{\"address\":\"b@x.test\"}]"},
	    {"in another order", "a@x.test b@x.test", "b@x.test a@x.test", "- -", 0,
		"[" A ",{\"address\":\"b@x.test\"}]"},
	    {"given twice", "a@x.test a@x.test", "a@x.test", "-", 0,
		"[" A ",{\"address\":\"a@x.test\",\"queued_address\":[]}]"},
	    {"the queued ones were cut", "a@x.test b@x.test", "a@x.test", "-",
		MESSAGE_CUT_QUEUED_RECIPIENTS, "[" A ",{\"address\":\"b@x.test\"}]"},
	    {"the given ones were cut", "a@x.test", "a@x.test c@y.test", "- b@x.test",
		MESSAGE_CUT_RECIPIENTS,
		"[" A ",{\"address\":\"b@x.test\",\"queued_address\":[\"c@y.test\"]}]"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strbuf given = {0}, queued = {0}, originals = {0}, want = {0};
		struct json *o = json_new();
		struct message m;

		message_init(&m);
		m.origin = ORIGIN_SMTPD;
		push(&given, cases[i].given);
		m.recipients = strlist_of(&given);
		m.recipient_count = m.recipients.count;
		m.flags = cases[i].flags;
		if (cases[i].queued) {
			push(&queued, cases[i].queued);
			push(&originals, cases[i].originals);
			m.queued.known = true;
			m.queued.recipients = strlist_of(&queued);
			m.queued.originals = strlist_of(&originals);
			m.queued.recipient_count = m.queued.recipients.count;
		}
		wording_put_recipients(o, &m);
		strbuf_printf(&want, "{\"recipients\":%s%s}", cases[i].want,
		    cases[i].flags == MESSAGE_CUT_RECIPIENTS ? ",\"recipient_count\":1"
		    : cases[i].flags                         ? ",\"recipient_count\":2"
							     : "");
		assert_json(cases[i].name, o, strbuf_text(&want));
		strbuf_release(&given);
		strbuf_release(&queued);
		strbuf_release(&originals);
		strbuf_release(&want);
	}
}

/* A message that no milter saw: the queue file's facts, and the original recipient if it
 * differs. */
static void test_queue_alone(void **state)
{
	struct json *o = json_new();
	struct message m;

	(void)state;
	message_init(&m);
	m.origin = ORIGIN_QUEUE;
	m.queued.known = true;
	m.queued.uid = 0;
	m.queued.sender = "a@example.com";
	m.queued.recipients = PACKED("c@y.test", "d@y.test");
	m.queued.originals = PACKED("b@x.test", "");
	m.queued.recipient_count = 2;
	wording_put_message(o, &m);
	assert_json("queue alone", o,
	    "{\"sender\":\"a@example.com\",\"from\":[],\"recipients\":["
	    "{\"address\":\"b@x.test\",\"queued_address\":[\"c@y.test\"]},"
	    "{\"address\":\"d@y.test\"}],\"uid\":0,\"user\":\"root\"}");
}

/* Back from a content filter: login, client and queue ID of the first pass. */
static void test_first_pass(void **state)
{
	struct json *o = json_new();
	struct message m;

	(void)state;
	message_init(&m);
	m.origin = ORIGIN_SMTPD;
	m.sender = "a@example.com";
	assert_int_equal(net_parse("127.0.0.1", &m.client), 0);
	m.flags = MESSAGE_JOINED;
	m.first.login = "joe";
	assert_int_equal(net_parse("192.0.2.7", &m.first.client), 0);
	snprintf(m.first.queue_id.text, sizeof(m.first.queue_id.text), "0AAAA1");
	wording_put_message(o, &m);
	assert_json("first pass", o,
	    "{\"sender\":\"a@example.com\",\"from\":[],\"recipients\":[],"
	    "\"client\":\"192.0.2.7\",\"login\":\"joe\",\"first_queue_id\":\"0AAAA1\"}");
}

UNIT_MAIN(cmocka_unit_test(test_recipients), cmocka_unit_test(test_queue_alone),
    cmocka_unit_test(test_first_pass))
