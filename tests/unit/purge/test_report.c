/* SPDX-License-Identifier: ISC */
/* What is said of an outcome: JSON as the contract has it, sentences that fit, the exit status. */
#include "tests/unit/unit.h"

#include "purge/tell/preview.h"
#include "purge/tell/report.h"
#include "tests/unit/purge/crafted.h"

typedef int writer(FILE *to, const struct report *r);

static int write_text(FILE *to, const struct report *r)
{
	report_text(to, r);
	report_problems(to, r);
	return 0;
}

static int write_problems(FILE *to, const struct report *r)
{
	report_problems(to, r);
	return 0;
}

/* What is written; the caller frees it. */
static char *written(writer *write, const struct report *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_int_equal(write(to, r), 0);
	assert_int_equal(fclose(to), 0);
	return text;
}

static void assert_written(writer *write, const struct report *r, const char *want)
{
	char *text = written(write, r);

	assert_string_equal(text, want);
	free(text);
}

static void assert_says(writer *write, const struct report *r, const char *part)
{
	char *text = written(write, r);

	if (!strstr(text, part))
		case_fail(part, "not in:\n%s", text);
	free(text);
}

static struct report report_on(const struct crafted *c)
{
	return (struct report){.outcome = &c->outcome, .action = ACTION_DELETE};
}

static void test_json_purge(void **state)
{
	struct crafted c;
	struct report r = report_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com");
	crafted_add(&c, RESULT_DONE, "")->was_active = true;
	crafted_add(&c, RESULT_GONE, "b@example.com");
	crafted_add(&c, RESULT_CHANGED, "c@example.com");
	crafted_add(&c, RESULT_UNPROVEN, "d@example.com");
	crafted_add(&c, RESULT_FAILED, "e@example.com")->reason = "no luck";
	crafted_add(&c, RESULT_EXCLUDED, "f@example.com");
	c.outcome.tally.unindexed = 7;
	c.outcome.tally.batch = 12;
	assert_written(report_json, &r,
	    "{\"queue_id\":\"0AAAA1\",\"sender\":\"a@example.com\",\"result\":\"deleted\"}\n"
	    "{\"queue_id\":\"0AAAA2\",\"sender\":\"MAILER-DAEMON\",\"result\":\"deleted\","
	    "\"was_active\":true}\n"
	    "{\"queue_id\":\"0AAAA4\",\"sender\":\"c@example.com\",\"result\":\"changed\"}\n"
	    "{\"queue_id\":\"0AAAA5\",\"sender\":\"d@example.com\",\"result\":\"unproven\"}\n"
	    "{\"queue_id\":\"0AAAA6\",\"sender\":\"e@example.com\",\"result\":\"failed\","
	    "\"reason\":\"no luck\"}\n"
	    "{\"summary\":{\"matched\":5,\"deleted\":2,\"gone\":1,\"changed\":1,"
	    "\"unproven\":1,"
	    "\"failed\":1,\"by_envelope\":5,\"by_from_only\":0,\"bytes\":2000,"
	    "\"unindexed\":7,"
	    "\"unindexed_maildrop\":0,\"unindexed_arriving\":0,\"batch\":12}}\n");
}

/* No batch on a dry run; the words are would-delete, the key would_delete. */
static void test_json_dry_run(void **state)
{
	struct crafted c;
	struct report r = report_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_READY, "a@example.com");
	crafted_add(&c, RESULT_GONE, "a@example.com");
	r.dry_run = true;
	assert_written(report_json, &r,
	    "{\"queue_id\":\"0AAAA1\",\"sender\":\"a@example.com\",\"result\":"
	    "\"would-delete\"}\n"
	    "{\"summary\":{\"matched\":1,\"would_delete\":1,\"gone\":1,\"changed\":0,"
	    "\"unproven\":0,\"failed\":0,\"by_envelope\":1,\"by_from_only\":0,\"bytes\":"
	    "1000,"
	    "\"unindexed\":0,\"unindexed_maildrop\":0,\"unindexed_arriving\":0}}\n");
	r.action = ACTION_HOLD;
	assert_says(report_json, &r, "\"would_hold\":1,");
	r.action = ACTION_RELEASE;
	assert_says(report_json, &r, "\"result\":\"would-release\"");
	c.outcome.items[0].proof.queue = QUEUE_ACTIVE;
	assert_says(report_json, &r, "\"was_active\":true");
}

static void test_json_nothing(void **state)
{
	struct crafted c;
	struct report r = report_on(&c);

	(void)state;
	crafted_init(&c);
	assert_written(report_json, &r,
	    "{\"summary\":{\"matched\":0,\"deleted\":0,\"gone\":0,\"changed\":0,"
	    "\"unproven\":0,"
	    "\"failed\":0,\"by_envelope\":0,\"by_from_only\":0,\"bytes\":0,\"unindexed\":"
	    "0,"
	    "\"unindexed_maildrop\":0,\"unindexed_arriving\":0,\"batch\":0}}\n");
}

/* IDs that were asked for: what is gone is listed, and what the index does not know. */
static void test_json_ids(void **state)
{
	static const struct stranger strangers[] = {
	    {.queue_id = {"0BBBB1"}, .gone = true}, {.queue_id = {"0BBBB2"}, .gone = false}};
	struct crafted c;
	struct report r = report_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_GONE, "a@example.com");
	r.ids_asked = true;
	r.strangers = strangers;
	r.stranger_count = 2;
	assert_says(report_json, &r,
	    "{\"queue_id\":\"0AAAA1\",\"sender\":\"a@example.com\",\"result\":\"gone\"}\n"
	    "{\"queue_id\":\"0BBBB1\",\"result\":\"gone\"}\n"
	    "{\"queue_id\":\"0BBBB2\",\"result\":\"unproven\",\"reason\":\"not in the "
	    "index\"}\n"
	    "{\"summary\":{\"matched\":1,\"deleted\":0,\"gone\":2,\"changed\":0,"
	    "\"unproven\":1,");
	assert_int_equal(report_exit(&r), 2);
}

static void test_json_rare(void **state)
{
	struct crafted c;
	struct report r = report_on(&c);
	struct item *item;

	(void)state;
	crafted_init(&c);
	item = crafted_add(&c, RESULT_DONE, "a@example.com");
	item->other_recipients = 9;
	crafted_add(&c, RESULT_UNTOUCHED, "b@example.com");
	c.outcome.tally.other_recipients = 9;
	c.outcome.tally.unindexed_known = false;
	c.outcome.interrupted = true;
	c.outcome.accounted = false;
	r.recipients_asked = true;
	r.rules_set = 2;
	r.passes = 3;
	r.foreign = 4;
	assert_written(report_json, &r,
	    "{\"queue_id\":\"0AAAA1\",\"sender\":\"a@example.com\",\"result\":\"deleted\","
	    "\"other_recipients\":9}\n"
	    "{\"summary\":{\"matched\":2,\"deleted\":1,\"gone\":0,\"changed\":0,"
	    "\"unproven\":0,"
	    "\"failed\":0,\"by_envelope\":2,\"by_from_only\":0,\"bytes\":1000,"
	    "\"unindexed\":null,"
	    "\"untouched\":1,\"other_recipients\":9,\"foreign\":4,\"rules_set\":2,"
	    "\"passes\":3,"
	    "\"batch\":null}}\n");
}

static void test_exit(void **state)
{
	static const struct {
		const char *name, *trouble;
		uint64_t damaged;
		enum result result;
		unsigned limits;
		int want;
		bool interrupted, sweep_cut;
	} cases[] = {
	    {"deleted", "", 0, RESULT_DONE, 0, 0, false, false},
	    {"would delete", "", 0, RESULT_READY, 0, 0, false, false},
	    {"gone", "", 0, RESULT_GONE, 0, 0, false, false},
	    {"changed", "", 0, RESULT_CHANGED, 0, 0, false, false},
	    {"excluded", "", 0, RESULT_EXCLUDED, 0, 0, false, false},
	    {"failed", "", 0, RESULT_FAILED, 0, 2, false, false},
	    {"unproven", "", 0, RESULT_UNPROVEN, 0, 2, false, false},
	    {"damaged rows", "", 1, RESULT_DONE, 0, 2, false, false},
	    {"costly expression", "", 0, RESULT_DONE, 1, 2, false, false},
	    {"no account", "failed to keep the account", 0, RESULT_DONE, 0, 2, false, false},
	    {"endless sweep", "", 0, RESULT_DONE, 0, 2, false, true},
	    {"interrupted", "", 0, RESULT_UNTOUCHED, 0, 3, true, false},
	    {"interrupted after a failure", "", 0, RESULT_FAILED, 0, 3, true, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct crafted c;
		struct report r = report_on(&c);

		crafted_init(&c);
		crafted_add(&c, cases[i].result, "a@example.com");
		c.outcome.tally.damaged = cases[i].damaged;
		c.outcome.candidates.limits = cases[i].limits;
		snprintf(
		    c.outcome.trouble.text, sizeof(c.outcome.trouble.text), "%s", cases[i].trouble);
		c.outcome.interrupted = cases[i].interrupted;
		r.sweep_cut = cases[i].sweep_cut;
		if (report_exit(&r) != cases[i].want)
			case_fail(cases[i].name, "exit %d", report_exit(&r));
	}
}

static void test_text(void **state)
{
	struct crafted c;
	struct report r = report_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com")->was_active = true;
	crafted_add(&c, RESULT_GONE, "a@example.com");
	crafted_add(&c, RESULT_FAILED, "a@example.com")->reason = "it is still being received";
	c.outcome.tally.by_envelope = 1;
	c.outcome.tally.by_from_only = 1;
	c.outcome.tally.unindexed = 3;
	c.outcome.tally.unindexed_maildrop = 1;
	c.outcome.tally.batch = 5;
	assert_written(write_text, &r,
	    "Deleted 1 message (1000 B).\n"
	    "  deleted              1\n"
	    "  gone                 1  had left the queue before\n"
	    "  failed               1  still there\n"
	    "1 matched by envelope sender, 1 by header From only.\n"
	    "1 was being delivered; a delivery that had begun may still finish.\n"
	    "1 in maildrop and 0 still arriving are not in the index yet.\n"
	    "The account is batch 5.\n"
	    "  0AAAA3 failed: it is still being received\n");
}

/* What has nothing to be done is no match that was missed. */
static void test_text_idle(void **state)
{
	static const struct {
		enum action action;
		bool idle;
		const char *want;
	} cases[] = {
	    {ACTION_HOLD, true, "Held 0 messages (0 B).\n1 is in the hold queue already.\n"},
	    {ACTION_HOLD, false, "Nothing matched.\n"},
	    {ACTION_RELEASE, true, "Released 0 messages (0 B).\n1 is not in the hold queue.\n"},
	    {ACTION_RELEASE, false, "Nothing matched.\n"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct crafted c;
		struct report r = report_on(&c);

		crafted_init(&c);
		crafted_add(&c, RESULT_EXCLUDED, "a@example.com")->idle = cases[n].idle;
		r.action = cases[n].action;
		assert_written(write_text, &r, cases[n].want);
	}
}

static void test_text_nothing(void **state)
{
	struct crafted c;
	struct report r = report_on(&c);

	(void)state;
	crafted_init(&c);
	assert_written(write_text, &r, "Nothing matched.\n");
	/* Quiet: not a word where there is no problem. */
	assert_written(write_problems, &r, "");
}

/* Problems are listed up to 20; the rest is counted. */
static void test_problems_end(void **state)
{
	struct crafted c;
	struct report r = report_on(&c);
	char *text;
	size_t lines = 0;

	(void)state;
	crafted_init(&c);
	for (int i = 0; i < 25; i++)
		crafted_add(&c, RESULT_CHANGED, "a@example.com");
	text = written(write_problems, &r);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 21);
	assert_non_null(strstr(text, "  and 5 more; --json lists all\n"));
	free(text);
}

/* However large the numbers and long the addresses: 80 columns, and no control character of a
 * stranger's. */
static void test_text_fits(void **state)
{
	char long_address[400],
	    reason[] = "past maximal_queue_lifetime, it would bounce at once; -y releases it";
	struct crafted c;
	struct report r = report_on(&c);
	char *text = NULL, *rest = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	(void)state;
	snprintf(long_address, sizeof(long_address), "\033[31m\007\n%0300d@example.com", 0);
	crafted_init(&c);
	for (int result = RESULT_READY; result <= RESULT_EXCLUDED; result++)
		for (int i = 0; i < 5; i++) {
			struct item *item = crafted_add(&c, (enum result)result, long_address);
			struct message m = candidate_message(item->candidate);

			snprintf(m.queue_id.text, QUEUE_ID_MAX, "%s", "4jYDxc1HnKz1bm4d");
			m.recipient_count = 1000;
			m.subject = long_address;
			crafted_record(&c, c.outcome.count - 1, &m);
			item->was_active = true;
			item->other_recipients = 5;
			if (result == RESULT_FAILED)
				item->reason = reason;
		}
	for (size_t i = 0; i < COUNT_OF(c.outcome.tally.results); i++)
		c.outcome.tally.results[i] = 12345678;
	c.outcome.tally.matched = c.outcome.tally.by_envelope = c.outcome.tally.by_from_only =
	    12345678;
	c.outcome.tally.bytes = c.outcome.tally.shared = c.outcome.tally.other_recipients =
	    123456789;
	c.outcome.tally.unindexed = c.outcome.tally.unindexed_maildrop = 12345678;
	c.outcome.tally.batch = 12345678;
	c.outcome.tally.damaged = 12345678;
	c.outcome.candidates.limits = 12345678;
	c.outcome.interrupted = true;
	r.recipients_asked = true;
	r.foreign = 12345678;
	r.passes = 1000;
	preview_text(to, ACTION_DELETE, true, &c.outcome, NULL);
	report_text(to, &r);
	report_problems(to, &r);
	fclose(to);
	assert_true(len > 1000);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strlen(line) > 80)
			case_fail(line, "%zu columns", strlen(line));
		for (const char *at = line; *at; at++)
			case_assert(line, (unsigned char)*at >= ' ');
	}
	free(text);
}

static void test_preview(void **state)
{
	static const char recipients[] = "u@dest.test\0v@dest.test";
	struct crafted c;
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	struct message m;

	(void)state;
	setenv("TZ", "UTC", 1);
	crafted_init(&c);
	crafted_add(&c, RESULT_READY, "a@example.com");
	m = candidate_message(&c.candidates[0]);
	m.recipients = (struct strlist){recipients, sizeof(recipients), 2};
	m.recipient_count = 2;
	m.subject = "Hello";
	crafted_record(&c, 0, &m);
	crafted_add(&c, RESULT_READY, "")->proof.queue = QUEUE_HOLD;
	c.items[1].proof.arrival_time += INT64_C(60) * 1000000;
	crafted_add(&c, RESULT_CHANGED, "c@example.com");
	c.outcome.tally.by_envelope = 1;
	c.outcome.tally.by_from_only = 1;
	preview_text(to, ACTION_DELETE, false, &c.outcome, NULL);
	fclose(to);
	assert_string_equal(text,
	    "2 messages to delete (2.0 kB):\n"
	    "1 by envelope sender, 1 by header From only.\n"
	    "In deferred 1, hold 1.\n"
	    "The oldest arrived 2001-09-09 01:46:40, the newest 2001-09-09 01:47:40.\n"
	    "Namely:\n"
	    "0AAAA1\n"
	    "  From: a@example.com\n"
	    "  Subject: Hello\n"
	    "  To: u@dest.test and 1 more\n"
	    "0AAAA2\n"
	    "  From: <>\n");
	free(text);
}

static void test_sweep_that_ended_early(void **state)
{
	static const char clean[] = "The sweep took 2 passes; the last one found nothing more.";
	struct crafted c;
	struct report r = report_on(&c);
	char *text;

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com");
	r.passes = 2;
	assert_says(write_text, &r, clean);
	c.outcome.interrupted = true;
	text = written(write_text, &r);
	assert_null(strstr(text, clean));
	free(text);
	c.outcome.interrupted = false;
	crafted_add(&c, RESULT_FAILED, "a@example.com")->reason = "it is still being received";
	text = written(write_text, &r);
	assert_null(strstr(text, clean));
	free(text);
}

UNIT_MAIN(cmocka_unit_test(test_sweep_that_ended_early), cmocka_unit_test(test_json_purge),
    cmocka_unit_test(test_json_dry_run), cmocka_unit_test(test_json_nothing),
    cmocka_unit_test(test_json_ids), cmocka_unit_test(test_json_rare), cmocka_unit_test(test_exit),
    cmocka_unit_test(test_text), cmocka_unit_test(test_text_idle),
    cmocka_unit_test(test_text_nothing), cmocka_unit_test(test_problems_end),
    cmocka_unit_test(test_text_fits), cmocka_unit_test(test_preview))
