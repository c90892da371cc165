/* SPDX-License-Identifier: ISC */
/* The policy front: rules to answers, the requests of a message to one row, and both fronts at
 * once. */
#include "tests/unit/milter/front_fixture.h"
#include "tests/unit/milter/log_fixture.h"

#include "milter/policy/overlap.h"
#include "milter/policy/transactions.h"

static int start(void **state)
{
	return front_setup_with(state,
	    "bad.example REJECT\nslow.example DEFER 4.7.9 100% later\nheld.example HOLD\n"
	    "sink.example DISCARD\nlogin:joe REJECT 5.7.2 no, joe\nclient:192.0.2.66 REJECT\n"
	    "<> DEFER\nwarn.example WARN look\ngood@bad.example OK\n/evil[0-9]/ REJECT\n");
}
#define FRONT(test) cmocka_unit_test_setup_teardown(test, start, front_teardown)

#define RCPT .stage = POLICY_RCPT, .instance = "1.1.1.1"
#define END  .stage = POLICY_END, .instance = "1.1.1.1", .queue_id = FRONT_ID, .recipient_count = 1

static void test_answers(void **state)
{
	static const char no[] = "550 5.7.1 Not accepted by local policy";
	static const struct {
		const char *name, *sender, *login, *client, *rcpt, *end;
		bool row;
	} cases[] = {
	    {"nobody", "a@fine.example", NULL, NULL, "DUNNO", "DUNNO", true},
	    {"sender", "a@bad.example", NULL, NULL, no, no, false},
	    {"its address is fine", "good@bad.example", NULL, NULL, "DUNNO", "DUNNO", true},
	    {"capitals", "A@BAD.Example", NULL, NULL, no, no, false},
	    {"pattern", "evil7@x.example", NULL, NULL, no, no, false},
	    {"defer", "a@slow.example", NULL, NULL, "451 4.7.9 100% later", "451 4.7.9 100% later",
		false},
	    {"hold, at the end", "a@held.example", NULL, NULL, "DUNNO", "HOLD held by pqpurge",
		true},
	    {"discard, at the end", "a@sink.example", NULL, NULL, "DUNNO",
		"DISCARD discarded by pqpurge", false},
	    {"warn", "a@warn.example", NULL, NULL, "DUNNO", "DUNNO", true},
	    {"login", "a@fine.example", "joe", NULL, "550 5.7.2 no, joe", "550 5.7.2 no, joe",
		false},
	    {"another login", "a@fine.example", "joel", NULL, "DUNNO", "DUNNO", true},
	    {"client", "a@fine.example", NULL, "192.0.2.66", no, no, false},
	    {"another client", "a@fine.example", NULL, "2001:db8::1", "DUNNO", "DUNNO", true},
	    {"unknown client", "a@fine.example", NULL, "unknown", "DUNNO", "DUNNO", true},
	    {"null sender", "", NULL, NULL,
		"451 4.7.1 Not accepted now by local policy, try again later",
		"451 4.7.1 Not accepted now by local policy, try again later", false},
	};
	const struct front_fixture *f = *state;
	size_t rows = 0;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char instance[32], id[32];

		snprintf(instance, sizeof(instance), "1.1.1.%zx", i);
		snprintf(id, sizeof(id), "1B2C3%zX", 0x4E500 + i);
		struct policy_request r = {.stage = POLICY_RCPT,
		    .instance = instance,
		    .sender = cases[i].sender,
		    .login = cases[i].login,
		    .client = cases[i].client,
		    .recipient = "r@x.example"};
		case_assert_text(cases[i].name, answer_to(f, &r), cases[i].rcpt);
		r.stage = POLICY_DATA;
		case_assert_text(cases[i].name, answer_to(f, &r), cases[i].rcpt);
		r.stage = POLICY_END;
		r.queue_id = id;
		case_assert_text(cases[i].name, answer_to(f, &r), cases[i].end);
		rows += cases[i].row;
		case_assert(cases[i].name, front_count(f) == rows);
	}
}

static void test_stages_without_mail(void **state)
{
	const struct front_fixture *f = *state;

	assert_string_equal(ASK(f, .stage = POLICY_OTHER, .client = "192.0.2.66"), "DUNNO");
	/* smtpd_delay_reject = no: the instance is still that of the previous message. */
	assert_string_equal(ASK(f, RCPT, .sender = "a@fine.example"), "DUNNO");
	assert_int_equal(
	    strncmp(ASK(f, .stage = POLICY_MAIL, .instance = "1.1.1.1", .sender = "a@bad.example"),
		"550", 3),
	    0);
	assert_string_equal(
	    ASK(f, END, .sender = "a@fine.example", .recipient = "r@x.example"), "DUNNO");
	assert_int_equal(front_count(f), 1);
}

/* Everything that a row keeps. */
static void test_row(void **state)
{
	const struct front_fixture *f = *state;
	int64_t before = clock_wall(), arrival = before - 7 * USEC_PER_SEC;
	char instance[64];

	snprintf(instance, sizeof(instance), "3f1.%llx.%llx.2",
	    (unsigned long long)(arrival / USEC_PER_SEC),
	    (unsigned long long)(arrival % USEC_PER_SEC));
	struct policy_request r = {.stage = POLICY_RCPT,
	    .instance = instance,
	    .sender = "a b@Fine.Example",
	    .login = "Ann",
	    .client = "2001:db8::7",
	    .client_port = "2525",
	    .recipient = "r1@x.example"};
	assert_string_equal(answer_to(f, &r), "DUNNO");
	r.recipient = "two@";
	r.queue_id = FRONT_ID;
	assert_string_equal(answer_to(f, &r), "DUNNO");
	r.stage = POLICY_END;
	r.recipient = "";
	r.recipient_count = 2;
	assert_string_equal(answer_to(f, &r), "DUNNO");
	/* asked twice */
	assert_string_equal(answer_to(f, &r), "DUNNO");

	struct candidates rows = front_rows(f);
	assert_int_equal(rows.count, 1);
	struct message m = candidate_message(&rows.list[0]);
	assert_string_equal(m.queue_id.text, FRONT_ID);
	assert_string_equal(m.sender, "a b@fine.example");
	assert_string_equal(m.login, "Ann");
	assert_int_equal(m.origin, ORIGIN_SMTPD);
	assert_int_equal(m.flags, 0);
	assert_int_equal(m.recipient_count, 2);
	assert_int_equal(m.recipients.count, 2);
	assert_string_equal(m.recipients.first, "r1@x.example");
	assert_int_equal(m.client.family, 6);
	assert_int_equal(m.client_port, 2525);
	assert_int_equal(m.mail_time, arrival);
	assert_int_equal(m.rcpt_time, arrival);
	assert_true(m.end_time >= before);
	assert_int_equal(m.from.count, 0);
	candidates_release(&rows);
}

/* An instance that is not Postfix's: the time of MAIL is unknown, so the window alone proves
 * nothing. */
static void test_foreign_instance(void **state)
{
	static const char *const instances[] = {"something else", "1.1.1.1", "",
	    "a name of more than the sixty-three bytes that are kept of an instance", NULL};
	const struct front_fixture *f = *state;

	for (size_t i = 0; instances[i]; i++) {
		char id[32];

		snprintf(id, sizeof(id), "1B2C3%zX", 0x4E500 + i);
		struct policy_request r = {.stage = POLICY_RCPT,
		    .instance = instances[i],
		    .sender = "a@fine.example",
		    .recipient = "r@x.example"};
		assert_string_equal(answer_to(f, &r), "DUNNO");
		r.stage = POLICY_END;
		r.queue_id = id;
		r.recipient_count = 1;
		assert_string_equal(answer_to(f, &r), "DUNNO");
	}
	struct candidates rows = front_rows(f);
	assert_int_equal(rows.count, 4);
	for (size_t i = 0; i < rows.count; i++) {
		struct message m = candidate_message(&rows.list[i]);

		assert_true(m.rcpt_time - m.mail_time > 310 * USEC_PER_SEC);
		/* The end names the one recipient. */
		assert_int_equal(m.recipients.count, 1);
		assert_string_equal(m.recipients.first, "r@x.example");
	}
	candidates_release(&rows);
}

/* The gathered recipients, compared with the accepted ones. */
static void test_recipients(void **state)
{
	static const struct {
		const char *name, *calls[6], *only;
		uint32_t count, want_count, want_listed;
		bool cut;
	} cases[] = {
	    {"all", {"a@x", "b@x"}, "", 2, 2, 2, false},
	    {"the same twice", {"a@x", "a@x"}, "", 2, 2, 2, false},
	    {"one of two, named", {"a@x", "b@x"}, "b@x", 1, 1, 1, false},
	    {"one, but another", {"a@x"}, "b@x", 1, 1, 1, false},
	    {"two of three", {"a@x", "b@x", "c@x"}, "", 2, 2, 0, true},
	    {"more than were seen", {"a@x"}, "", 3, 3, 0, true},
	    {"none was seen, one named", {NULL}, "a@x", 1, 1, 1, false},
	    {"none was seen", {NULL}, "", 7, 7, 0, true},
	    {"no count", {"a@x", "b@x"}, "", 0, 2, 2, false},
	    {"past the cap", {"a@x", "b@x", "c@x", "d@x"}, "", 4, 4, 3, true},
	    {"past the cap, one", {"a@x", "b@x", "c@x", "d@x"}, "d@x", 1, 1, 1, false},
	};
	const struct front_fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char instance[32], id[32];

		snprintf(instance, sizeof(instance), "1.1.1.%zx", i);
		snprintf(id, sizeof(id), "1B2C3%zX", 0x4E500 + i);
		struct policy_request r = {
		    .stage = POLICY_RCPT, .instance = instance, .sender = "a@fine.example"};
		for (size_t k = 0; cases[i].calls[k]; k++) {
			r.recipient = cases[i].calls[k];
			(void)answer_to(f, &r);
		}
		r.stage = POLICY_END;
		r.recipient = cases[i].only;
		r.recipient_count = cases[i].count;
		r.queue_id = id;
		(void)answer_to(f, &r);
		struct candidates rows = front_rows(f);
		case_assert(cases[i].name, rows.count == i + 1);
		struct message m = candidate_message(&rows.list[i]);
		case_assert(cases[i].name, m.recipient_count == cases[i].want_count);
		case_assert(cases[i].name, m.recipients.count == cases[i].want_listed);
		case_assert(cases[i].name, !!(m.flags & MESSAGE_CUT_RECIPIENTS) == cases[i].cut);
		if (cases[i].count == 1)
			case_assert_text(cases[i].name, m.recipients.first, cases[i].only);
		candidates_release(&rows);
	}
}

/* One message is one hit, however many of its recipients a rule refuses. */
static void test_hits(void **state)
{
	const struct front_fixture *f = *state;

	for (unsigned i = 0; i < 5; i++)
		assert_string_not_equal(
		    ASK(f, RCPT, .sender = "a@bad.example", .recipient = "r@x"), "DUNNO");
	assert_int_equal(hits_of(f->rules, "bad.example"), 1);
	assert_string_not_equal(
	    ASK(f, .stage = POLICY_RCPT, .instance = "1.1.1.2", .sender = "a@bad.example"),
	    "DUNNO");
	assert_int_equal(hits_of(f->rules, "bad.example"), 2);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(
		    ASK(f, .stage = POLICY_RCPT, .instance = "1.1.1.3", .sender = "a@held.example"),
		    "DUNNO");
	assert_int_equal(hits_of(f->rules, "held.example"), 0);
	for (unsigned i = 0; i < 2; i++)
		(void)ASK(f, .stage = POLICY_END, .instance = "1.1.1.3", .sender = "a@held.example",
		    .queue_id = FRONT_ID, .recipient_count = 3);
	assert_int_equal(hits_of(f->rules, "held.example"), 1);
}

/* A rule set between RCPT and the end counts. */
static void test_rule_meanwhile(void **state)
{
	const struct front_fixture *f = *state;

	assert_string_equal(ASK(f, RCPT, .sender = "a@late.example"), "DUNNO");
	assert_true(set_rule(f->rules, "late.example").saved);
	assert_int_equal(strncmp(ASK(f, END, .sender = "a@late.example"), "550 ", 4), 0);
	assert_int_equal(front_count(f), 0);
}

/* Postfix before 3.12 goes on after a refusal at the end without a new MAIL: another queue file. */
static void test_second_file(void **state)
{
	const struct front_fixture *f = *state;

	(void)ASK(f, RCPT, .sender = "a@fine.example", .recipient = "r1@x");
	(void)ASK(f, END, .sender = "a@fine.example", .recipient = "r1@x");
	(void)ASK(f, RCPT, .sender = "a@fine.example", .recipient = "r2@x", .queue_id = FRONT_ID);
	(void)ASK(f, .stage = POLICY_END, .instance = "1.1.1.1", .sender = "a@fine.example",
	    .recipient = "r2@x", .recipient_count = 1, .queue_id = "1B2C3D4E60");
	struct candidates rows = front_rows(f);
	assert_int_equal(rows.count, 2);
	struct message m = candidate_message(&rows.list[1]);
	assert_string_equal(m.queue_id.text, "1B2C3D4E60");
	assert_string_equal(m.recipients.first, "r2@x");
	candidates_release(&rows);
}

/* Before a proxy filter there is no queue ID: the Postfix after it records and holds. */
static void test_without_id(void **state)
{
	const struct front_fixture *f = *state;

	assert_string_equal(ASK(f, .stage = POLICY_END, .instance = "1.1.1.1",
				.sender = "a@held.example", .recipient_count = 1),
	    "DUNNO");
	assert_string_equal(ASK(f, .stage = POLICY_END, .instance = "1.1.1.2", .queue_id = "no id",
				.sender = "a@fine.example", .recipient_count = 1),
	    "DUNNO");
	assert_int_equal(front_count(f), 0);
}

/* Only a queue ID may begin a log line. */
static void test_foreign_id(void **state)
{
	const struct front_fixture *f = *state;
	static const char id[] = "1B2C3D4E5G: removed";
	char text[4096];

	int kept = catch_log();
	(void)ASK(f, .stage = POLICY_END, .instance = "1.1.1.1", .queue_id = id,
	    .sender = "a@bad.example");
	(void)ASK(f, .stage = POLICY_END, .instance = "1.1.1.2", .queue_id = id,
	    .sender = "a@fine.example");
	(void)caught_log(kept, text, sizeof(text));
	assert_null(strstr(text, "1B2C3D4E5G"));
	assert_non_null(strstr(text, "NOQUEUE: rejected at end of message"));
	assert_non_null(strstr(text, "NOQUEUE: not recorded"));
	assert_int_equal(front_count(f), 0);
}

static int64_t passed_count(const struct front_fixture *f)
{
	struct json *o = json_new();

	front_status(f->front, o);
	int64_t passed = json_int(o, "policy_passed", -1);
	json_free(o);
	return passed;
}

static void test_overlap(void **state)
{
	const struct front_fixture *f = *state;
	struct overlap milter = {.key = {.client_port = 2525}}, other = milter;
	struct policy_request r = {.stage = POLICY_END,
	    .instance = "1.1.1.1",
	    .queue_id = FRONT_ID,
	    .recipient_count = 1,
	    .sender = "a@bad.example",
	    .client = "192.0.2.7",
	    .client_port = "2525",
	    .server = "192.0.2.1",
	    .server_port = "25"};

	assert_int_equal(net_parse("192.0.2.7", &milter.key.client), 0);
	overlap_set_server(&milter.key, "192.0.2.1", "25");
	other.key = milter.key;
	overlap_set_server(&other.key, "192.0.2.1", "587");
	overlap_begin(&other);
	assert_string_not_equal(answer_to(f, &r), "DUNNO"); /* another of our ports */
	overlap_begin(&milter);
	overlap_begin(&milter);
	assert_string_equal(answer_to(f, &r), "DUNNO");
	overlap_end(&other);
	r.sender = "a@fine.example";
	assert_string_equal(answer_to(f, &r), "DUNNO");
	r.stage = POLICY_RCPT;
	assert_string_equal(answer_to(f, &r), "DUNNO");
	assert_int_equal(front_count(f), 0);
	assert_int_equal(passed_count(f), 3);
	overlap_end(&milter);
	overlap_end(&milter);
	r.stage = POLICY_END;
	r.instance = "1.1.1.2";
	assert_string_equal(answer_to(f, &r), "DUNNO");
	assert_int_equal(front_count(f), 1);
}

/* The table is bounded. The oldest messages go, and are judged and recorded without their
 * recipients. */
static void test_many(void **state)
{
	const struct front_fixture *f = *state;
	char instance[32];

	for (unsigned i = 0; i < 3 * TRANSACTIONS_MAX; i++) {
		snprintf(instance, sizeof(instance), "%x.1.1.1", i);
		assert_string_equal(ASK(f, .stage = POLICY_RCPT, .instance = instance,
					.sender = "a@fine.example", .recipient = "r@x"),
		    "DUNNO");
	}
	struct json *o = json_new();
	front_status(f->front, o);
	assert_int_equal(json_int(o, "policy_messages", 0), TRANSACTIONS_MAX);
	json_free(o);
	assert_string_equal(
	    ASK(f, .stage = POLICY_END, .instance = "0.1.1.1", .sender = "a@fine.example",
		.queue_id = FRONT_ID, .recipient_count = 2),
	    "DUNNO");
	struct candidates rows = front_rows(f);
	assert_int_equal(rows.count, 1);
	assert_true(candidate_message(&rows.list[0]).flags & MESSAGE_CUT_RECIPIENTS);
	candidates_release(&rows);
}

UNIT_MAIN(FRONT(test_answers), FRONT(test_stages_without_mail), FRONT(test_row),
    FRONT(test_foreign_instance), FRONT(test_recipients), FRONT(test_hits),
    FRONT(test_rule_meanwhile), FRONT(test_second_file), FRONT(test_without_id),
    FRONT(test_foreign_id), FRONT(test_overlap), FRONT(test_many))
