/* SPDX-License-Identifier: ISC */
/* The lines and the summary in JSON. */
#include "tests/unit/purge/written.h"

#define ZERO_REST "\"from_queue\":0,\"joined\":0,\"unjoined\":0,\"unreadable\":0,"

static void test_json_purge(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com");
	crafted_add(&c, RESULT_DONE, "")->was_active = true;
	crafted_add(&c, RESULT_GONE, "b@example.com");
	crafted_add(&c, RESULT_CHANGED, "c@example.com");
	crafted_add(&c, RESULT_UNPROVEN, "d@example.com");
	crafted_add(&c, RESULT_FAILED, "e@example.com")->reason = "no luck";
	crafted_add(&c, RESULT_EXCLUDED, "f@example.com");
	crafted_add(&c, RESULT_DONE, "g@example.com")->from_queue = true;
	c.outcome.tally.from_queue = 1;
	c.outcome.tally.batch = 12;
	assert_written(summary_json, &s,
	    "{\"queue_id\":\"0AAAA1\",\"sender\":\"a@example.com\",\"result\":\"deleted\"}\n"
	    "{\"queue_id\":\"0AAAA2\",\"sender\":\"MAILER-DAEMON\",\"result\":\"deleted\","
	    "\"was_active\":true}\n"
	    "{\"queue_id\":\"0AAAA4\",\"sender\":\"c@example.com\",\"result\":\"changed\"}\n"
	    "{\"queue_id\":\"0AAAA5\",\"sender\":\"d@example.com\",\"result\":\"unproven\","
	    "\"command\":\"pqpurge-idx purge --id 0AAAA5\"}\n"
	    "{\"queue_id\":\"0AAAA6\",\"sender\":\"e@example.com\",\"result\":\"failed\","
	    "\"reason\":\"no luck\"}\n"
	    "{\"queue_id\":\"0AAAA8\",\"sender\":\"g@example.com\",\"result\":\"deleted\","
	    "\"from_queue\":true}\n"
	    "{\"summary\":{\"matched\":6,\"deleted\":3,\"gone\":1,\"changed\":1,\"unproven\":1,"
	    "\"failed\":1,\"by_envelope\":6,\"by_from_only\":0,\"from_queue\":1,\"joined\":0,"
	    "\"unjoined\":0,\"unreadable\":0,\"was_active\":1,\"bytes\":3000,\"batch\":12}}\n");
	crafted_release(&c);
}

/* A dry run has no batch; the words are would-delete, the key would_delete. */
static void test_json_dry_run(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_READY, "a@example.com");
	crafted_add(&c, RESULT_GONE, "a@example.com");
	s.dry_run = true;
	assert_written(summary_json, &s,
	    "{\"queue_id\":\"0AAAA1\",\"sender\":\"a@example.com\",\"result\":\"would-delete\"}\n"
	    "{\"summary\":{\"matched\":1,\"would_delete\":1,\"gone\":1,\"changed\":0,"
	    "\"unproven\":0,\"failed\":0,\"by_envelope\":1,\"by_from_only\":0," ZERO_REST
	    "\"bytes\":1000}}\n");
	s.action = ACTION_HOLD;
	assert_says(summary_json, &s, "\"would_hold\":1,");
	s.action = ACTION_RELEASE;
	assert_says(summary_json, &s, "\"result\":\"would-release\"");
	s.action = ACTION_REQUEUE;
	assert_says(summary_json, &s, "\"would_release\":1,");
	c.outcome.items[0].proof.queue = QUEUE_ACTIVE;
	assert_says(summary_json, &s, "\"was_active\":true");
	crafted_release(&c);
}

static void test_json_nothing(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	assert_written(summary_json, &s,
	    "{\"summary\":{\"matched\":0,\"deleted\":0,\"gone\":0,\"changed\":0,\"unproven\":0,"
	    "\"failed\":0,\"by_envelope\":0,\"by_from_only\":0," ZERO_REST
	    "\"bytes\":0,\"batch\":0}}\n");
}

/* For given IDs, those that are gone or unknown are listed, too. */
static void test_json_ids(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_GONE, "a@example.com");
	crafted_add(&c, RESULT_GONE, "")->unheard = true;
	s.ids_asked = true;
	assert_says(summary_json, &s,
	    "{\"queue_id\":\"0AAAA1\",\"sender\":\"a@example.com\",\"result\":\"gone\"}\n"
	    "{\"queue_id\":\"0AAAA2\",\"result\":\"gone\"}\n"
	    "{\"summary\":{\"matched\":0,\"deleted\":0,\"gone\":2,");
	assert_int_equal(summary_exit(&s), 0);
	crafted_release(&c);
}

/* The queue has another sender than the client gave. */
static void test_json_rewritten(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);
	struct message m;

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com");
	m = candidate_message(&c.candidates[0]);
	m.queued.known = true;
	m.queued.sender = "SRS0=x=example.com=a@relay.test";
	crafted_record(&c, 0, &m);
	assert_says(summary_json, &s,
	    "\"sender\":\"a@example.com\",\"queued_sender\":\"SRS0=x=example.com=a@relay.test\","
	    "\"result\":\"deleted\"");
	crafted_release(&c);
}

static void test_json_rare(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com")->other_recipients = 9;
	crafted_add(&c, RESULT_UNTOUCHED, "b@example.com");
	c.outcome.tally.other_recipients = 9;
	c.outcome.tally.shared = 1;
	c.outcome.tally.given_only = 1;
	c.outcome.tally.arriving = 2;
	c.outcome.interrupted = true;
	c.outcome.accounted = false;
	c.outcome.passes = 3;
	c.outcome.foreign = 4;
	s.recipients_asked = true;
	s.rules_set = 2;
	s.swept = true;
	assert_written(summary_json, &s,
	    "{\"queue_id\":\"0AAAA1\",\"sender\":\"a@example.com\",\"result\":\"deleted\","
	    "\"other_recipients\":9}\n"
	    "{\"summary\":{\"matched\":2,\"deleted\":1,\"gone\":0,\"changed\":0,\"unproven\":0,"
	    "\"failed\":0,\"untouched\":1,\"by_envelope\":2,\"by_from_only\":0,\"given_only\":1,"
	    "\"from_queue\":0,\"joined\":0,\"unjoined\":0,\"unreadable\":0,\"shared\":1,"
	    "\"other_recipients\":9,\"foreign\":4,\"arriving\":2,\"bytes\":1000,\"rules_set\":2,"
	    "\"passes\":3,\"batch\":null}}\n");
	crafted_release(&c);
}

UNIT_MAIN(cmocka_unit_test(test_json_purge), cmocka_unit_test(test_json_dry_run),
    cmocka_unit_test(test_json_nothing), cmocka_unit_test(test_json_ids),
    cmocka_unit_test(test_json_rewritten), cmocka_unit_test(test_json_rare))
