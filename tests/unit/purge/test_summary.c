/* SPDX-License-Identifier: ISC */
/* The summary of an outcome: JSON by the contract, text that fits, the exit status. */
#include "tests/unit/purge/written.h"

static int write_text(FILE *to, const struct summary *s)
{
	summary_text(to, s);
	summary_problems(to, s);
	return 0;
}

static int write_preview(FILE *to, const struct summary *s)
{
	summary_preview(to, s);
	return 0;
}

static int write_problems(FILE *to, const struct summary *s)
{
	summary_problems(to, s);
	return 0;
}

static void test_exit(void **state)
{
	enum trouble {
		NONE,
		UNJOINED,
		UNREADABLE,
		UNDECIDED,
		LIMITS,
		TROUBLE,
		ENDLESS,
		ACCOUNT,
		INTERRUPTED,
		NO_INDEX
	};
	static const struct {
		const char *name;
		enum result result;
		enum trouble trouble;
		int want;
	} cases[] = {
	    {"deleted", RESULT_DONE, NONE, 0},
	    {"would delete", RESULT_READY, NONE, 0},
	    {"gone", RESULT_GONE, NONE, 0},
	    {"changed", RESULT_CHANGED, NONE, 0},
	    {"excluded", RESULT_EXCLUDED, NONE, 0},
	    {"without an index", RESULT_DONE, NO_INDEX, 0},
	    {"failed", RESULT_FAILED, NONE, 2},
	    {"unproven", RESULT_UNPROVEN, NONE, 2},
	    {"not joined", RESULT_DONE, UNJOINED, 2},
	    {"a file that cannot be read", RESULT_DONE, UNREADABLE, 2},
	    {"recipients that cannot be read", RESULT_DONE, UNDECIDED, 2},
	    {"costly expression", RESULT_DONE, LIMITS, 2},
	    {"trouble", RESULT_DONE, TROUBLE, 2},
	    {"no account", RESULT_DONE, ACCOUNT, 2},
	    {"endless sweep", RESULT_DONE, ENDLESS, 2},
	    {"interrupted", RESULT_UNTOUCHED, INTERRUPTED, 3},
	    {"interrupted after a failure", RESULT_FAILED, INTERRUPTED, 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct crafted c;
		struct summary s = summary_on(&c);

		crafted_init(&c);
		crafted_add(&c, cases[i].result, "a@example.com");
		c.outcome.tally.unjoined = cases[i].trouble == UNJOINED;
		c.outcome.tally.unreadable = cases[i].trouble == UNREADABLE;
		c.outcome.tally.undecided = cases[i].trouble == UNDECIDED;
		c.outcome.tally.limits = cases[i].trouble == LIMITS;
		if (cases[i].trouble == TROUBLE)
			err_set(&c.outcome.trouble, 0, "failed to look");
		if (cases[i].trouble == NO_INDEX)
			err_set(&c.outcome.no_index_why, 0, "no index");
		c.outcome.sweep_cut = cases[i].trouble == ENDLESS;
		c.outcome.accounted = cases[i].trouble != ACCOUNT;
		c.outcome.interrupted = cases[i].trouble == INTERRUPTED;
		if (summary_exit(&s) != cases[i].want)
			case_fail(cases[i].name, "exit %d", summary_exit(&s));
		crafted_release(&c);
	}
}

static void test_text(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com")->was_active = true;
	crafted_add(&c, RESULT_GONE, "a@example.com");
	crafted_add(&c, RESULT_FAILED, "a@example.com")->reason = "it is still being received";
	c.outcome.tally.by_envelope = 1;
	c.outcome.tally.by_from_only = 1;
	c.outcome.tally.given_only = 1;
	c.outcome.tally.joined = 1;
	c.outcome.tally.from_queue = 2;
	c.outcome.tally.maildrop = 1;
	c.outcome.tally.batch = 5;
	assert_written(write_text, &s,
	    "Deleted 1 message (1000 B).\n"
	    "  deleted              1\n"
	    "  gone                 1  left the queue before\n"
	    "  failed               1  still there\n"
	    "  by envelope          1\n"
	    "  by From only         1\n"
	    "  as given only        1  matched by what the client said; queued otherwise\n"
	    "  from queue           2  the index did not know them\n"
	    "  joined               1  matched by login or client before a content filter\n"
	    "  was active           1  in delivery at that time; they may be delivered\n"
	    "  in maildrop          1  submitted, not queued yet; left alone\n"
	    "The account is batch 5.\n"
	    "  0AAAA3 failed: it is still being received\n");
	crafted_release(&c);
}

/* The undo works on the same instance. */
static void test_text_undo(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com");
	c.outcome.tally.batch = 5;
	s.config = "/etc/pqpurge/out.conf";
	s.action = ACTION_HOLD;
	assert_written(write_text, &s,
	    "Held 1 message (1000 B).\n"
	    "  held                 1\n"
	    "  by envelope          1\n"
	    "The account is batch 5; 'pqpurge-idx -c /etc/pqpurge/out.conf undo 5' releases it "
	    "again.\n");
	crafted_release(&c);
}

/* A message with nothing to do is not a missed match. */
static void test_text_idle(void **state)
{
	static const struct {
		enum action action;
		bool idle;
		const char *want;
	} cases[] = {
	    {ACTION_HOLD, true,
		"Held 0 messages (0 B).\n  idle                 1  in the hold queue already\n"},
	    {ACTION_HOLD, false, "Nothing matched.\n"},
	    {ACTION_RELEASE, true,
		"Released 0 messages (0 B).\n  idle                 1  not in the hold queue\n"},
	    {ACTION_REQUEUE, false, "Nothing matched.\n"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct crafted c;
		struct summary s = summary_on(&c);

		crafted_init(&c);
		crafted_add(&c, RESULT_EXCLUDED, "a@example.com")->idle = cases[n].idle;
		s.action = cases[n].action;
		assert_written(write_text, &s, cases[n].want);
		crafted_release(&c);
	}
}

static void test_text_nothing(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	assert_written(write_text, &s, "Nothing matched.\n");
	/* Quiet: no output without a problem. */
	assert_written(write_problems, &s, "");
	assert_written(write_preview, &s, "");
	/* A message that could not be judged is reported. */
	c.outcome.tally.unjoined = 3;
	assert_says(write_text, &s, "unjoined             3");
	assert_says(write_problems, &s, "3 back from a content filter");
}

/* Unreadable files are named, and an unproven message comes with the command that acts on it. */
static void test_problems(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_UNPROVEN, "a@example.com");
	strlist_push(&c.outcome.unreadable, "deferred/A: Permission denied", 29);
	s.config = "/etc/pqpurge/out.conf";
	s.verb = "hold";
	s.action = ACTION_HOLD;
	assert_written(write_problems, &s,
	    "  0AAAA1 unproven\n"
	    "To look at an unproven one: 'pqpurge-idx -c /etc/pqpurge/out.conf show 0AAAA1'.\n"
	    "To hold it nevertheless: 'pqpurge-idx -c /etc/pqpurge/out.conf hold --id 0AAAA1'.\n"
	    "Could not be read: deferred/A: Permission denied\n");
	crafted_release(&c);
}

/* Up to 20 problems are listed; the rest is counted. */
static void test_problems_end(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);
	char *text;
	size_t lines = 0;

	(void)state;
	crafted_init(&c);
	for (int i = 0; i < 25; i++)
		crafted_add(&c, RESULT_CHANGED, "a@example.com");
	text = written(write_problems, &s);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 21);
	assert_non_null(strstr(text, "  and 5 more; --json lists all\n"));
	free(text);
	crafted_release(&c);
}

static void fill_counts(struct crafted *c)
{
	struct tally *t = &c->outcome.tally;
	uint64_t *const numbers[] = {&t->matched, &t->by_envelope, &t->by_from_only, &t->given_only,
	    &t->from_queue, &t->joined, &t->shared, &t->other_recipients, &t->bounces, &t->unjoined,
	    &t->unreadable, &t->undecided, &t->limits, &t->arriving, &t->maildrop, &t->batch,
	    &c->outcome.foreign, &c->outcome.overdue};

	for (size_t i = 0; i < COUNT_OF(t->results); i++)
		t->results[i] = 12345678;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		*numbers[i] = 12345678;
	t->bytes = 123456789;
	c->outcome.interrupted = c->outcome.sweep_cut = true;
	c->outcome.passes = 1000;
}

/* With the largest numbers and longest addresses: 80 columns, and no stranger's control
 * character. */
static void test_text_fits(void **state)
{
	char long_address[400], reason[] = "past maximal_queue_lifetime, it would bounce at once; "
					   "-y releases it";
	struct crafted c;
	struct summary s = summary_on(&c);
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
			m.flags = MESSAGE_HELD;
			crafted_record(&c, c.outcome.count - 1, &m);
			item->was_active = item->idle = true;
			item->other_recipients = 5;
			if (result == RESULT_FAILED)
				item->reason = reason;
		}
	fill_counts(&c);
	s.recipients_asked = s.swept = true;
	for (int action = ACTION_DELETE; action < ACTION_COUNT; action++) {
		s.action = (enum action)action;
		summary_preview(to, &s);
		summary_text(to, &s);
		summary_problems(to, &s);
	}
	fclose(to);
	assert_true(len > 1000);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strlen(line) > 80)
			case_fail(line, "%zu columns", strlen(line));
		for (const char *at = line; *at; at++)
			case_assert(line, (unsigned char)*at >= ' ');
	}
	free(text);
	crafted_release(&c);
}

static void test_preview(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);
	struct message m;

	(void)state;
	setenv("TZ", "UTC", 1);
	crafted_init(&c);
	crafted_add(&c, RESULT_READY, "a@example.com");
	m = candidate_message(&c.candidates[0]);
	m.recipients = PACKED("u@dest.test", "v@dest.test");
	m.recipient_count = 2;
	m.subject = "Hello";
	m.queued.known = true;
	m.queued.sender = "srs@relay.test";
	m.queued.recipients = m.queued.originals = PACKED_ONE("w@dest.test");
	m.queued.recipient_count = 1;
	crafted_record(&c, 0, &m);
	crafted_add(&c, RESULT_READY, "")->proof.queue = QUEUE_HOLD;
	c.items[1].proof.arrival_time += INT64_C(60) * 1000000;
	crafted_add(&c, RESULT_CHANGED, "c@example.com");
	c.outcome.tally.by_envelope = 1;
	c.outcome.tally.by_from_only = 1;
	c.outcome.tally.given_only = 1;
	assert_written(write_preview, &s,
	    "2 messages to delete (2.0 kB):\n"
	    "  by envelope          1\n"
	    "  by From only         1\n"
	    "  as given only        1  matched by what the client said; queued otherwise\n"
	    "In deferred 1, hold 1.\n"
	    "The oldest arrived 2001-09-09 01:46:40, the newest 2001-09-09 01:47:40.\n"
	    "Namely:\n"
	    "0AAAA1\n"
	    "  From: srs@relay.test (given a@example.com)\n"
	    "  Subject: Hello\n"
	    "  To: w@dest.test\n"
	    "0AAAA2\n"
	    "  From: <>\n");
	crafted_release(&c);
}

static void test_sweep(void **state)
{
	struct crafted c;
	struct summary s = summary_on(&c);

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_DONE, "a@example.com");
	s.swept = true;
	c.outcome.passes = 2;
	assert_says(write_text, &s, "Passes of the sweep: 2.\n");
	c.outcome.sweep_cut = true;
	assert_says(write_text, &s, "The sweep ended after 2 passes; messages still came in.\n");
	crafted_release(&c);
}

UNIT_MAIN(cmocka_unit_test(test_sweep), cmocka_unit_test(test_exit), cmocka_unit_test(test_text),
    cmocka_unit_test(test_text_undo), cmocka_unit_test(test_text_idle),
    cmocka_unit_test(test_text_nothing), cmocka_unit_test(test_problems),
    cmocka_unit_test(test_problems_end), cmocka_unit_test(test_text_fits),
    cmocka_unit_test(test_preview))
