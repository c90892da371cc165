/* SPDX-License-Identifier: ISC */
/* The session: fields, caps, times, and above all no trace of one message in the next. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "milter/session.h"

#define ID "1B2C3D4E5F"

static const struct session_config plain = {.origin = "origin.example", .max_recipients = 3};

static const struct session_config with_subject = {
    .origin = "", .max_recipients = 3, .record_subject = true};

static const struct message *end(struct session *s)
{
	const struct message *m = NULL;

	assert_int_equal(session_end(s, ID, NULL, &m), 1);
	return m;
}

static void test_sender(void **state)
{
	static const struct {
		const char *name, *input, *want;
	} cases[] = {
	    {"brackets", "<a@example.com>", "a@example.com"},
	    {"bare", "a@example.com", "a@example.com"},
	    {"domain in lower case", "<A@Example.COM>", "A@example.com"},
	    {"null", "<>", ""},
	    {"null from cleanup", "", ""},
	    {"no argument", NULL, ""},
	    {"no domain", "<root>", "root@origin.example"},
	};
	struct session *s = session_new(&plain);
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		session_mail(s, cases[i].input, NULL);
		case_assert_text(cases[i].name, session_message(s)->sender, cases[i].want);
		case_assert_text(cases[i].name, session_sender(s)->text, cases[i].want);
	}
	session_free(s);
}

static void test_headers(void **state)
{
	static const struct {
		const char *name, *header, *value, *message_id, *subject;
		unsigned from;
	} cases[] = {
	    {"from", "From", "Ann <a@one.example>", "", "", 1},
	    {"from in capitals, folded", "FROM", " Ann\n <a@one.example>,\n b@two.example", "", "",
		2},
	    {"not quite from", "From-Other", "a@one.example", "", "", 0},
	    {"message id", "message-id", " <x@y> ", "<x@y>", "", 0},
	    {"message id in a comment", "Message-ID", "\n <x@y> (really)", "<x@y>", "", 0},
	    {"message id bare", "Message-ID", " x@y z", "x@y", "", 0},
	    {"message id unclosed", "Message-ID", "<x@y", "<x@y", "", 0},
	    {"message id empty", "Message-ID", " ", "", "", 0},
	    {"subject", "Subject", " two\n words\r\n\tand more \n", "", "two words\tand more", 0},
	    {"subject of nothing", "Subject", "", "", "", 0},
	};
	struct session *s = session_new(&with_subject);
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		session_mail(s, "<a@b.example>", NULL);
		session_header(s, cases[i].header, cases[i].value);
		const struct message *m = session_message(s);
		case_assert_text(cases[i].name, m->message_id, cases[i].message_id);
		case_assert_text(cases[i].name, m->subject, cases[i].subject);
		case_assert(cases[i].name, m->from.count == cases[i].from);
	}
	session_free(s);
}

static void test_first_of_its_kind_counts(void **state)
{
	struct session *s = session_new(&with_subject);
	(void)state;

	session_mail(s, "<a@b.example>", NULL);
	session_header(s, "Message-ID", "<1>");
	session_header(s, "Message-ID", "<2>");
	session_header(s, "Subject", "one");
	session_header(s, "Subject", "two");
	session_header(s, "From", "x@one.example");
	session_header(s, "From", "x@two.example");
	assert_string_equal(session_message(s)->message_id, "<1>");
	assert_string_equal(session_message(s)->subject, "one");
	assert_int_equal(session_message(s)->from.count, 2);
	session_free(s);
}

static void test_subject_is_private(void **state)
{
	struct session *s = session_new(&plain);
	(void)state;

	session_mail(s, "<a@b.example>", NULL);
	session_header(s, "Subject", "secret");
	assert_string_equal(session_message(s)->subject, "");
	session_free(s);
}

static void fill(struct session *s)
{
	session_mail(s, "<a@one.example>", "login");
	for (int i = 0; i < 5; i++)
		session_rcpt(s, "<r@one.example>", NULL);
	session_header(s, "From", "f@one.example");
	session_header(s, "Message-ID", "<1>");
	session_header(s, "Subject", "one");
}

static void assert_clean(const char *name, const struct message *m)
{
	case_assert(name, m->flags == 0);
	case_assert(
	    name, m->recipient_count == 0 && m->recipients.count == 0 && m->from.count == 0);
	case_assert(name, m->rcpt_time == 0 && m->end_time == 0);
	case_assert(name, m->queue_id.text[0] == '\0');
	case_assert_text(name, m->login, "");
	case_assert_text(name, m->message_id, "");
	case_assert_text(name, m->subject, "");
}

static void test_reset(void **state)
{
	struct session *s = session_new(&with_subject);
	(void)state;

	fill(s);
	end(s);
	session_mail(s, "<a@two.example>", NULL);
	assert_clean("next message", session_message(s));
	assert_string_equal(session_message(s)->sender, "a@two.example");

	fill(s);
	session_mail(s, "<a@two.example>", NULL);
	assert_clean("MAIL without an end before it", session_message(s));

	fill(s);
	session_abort(s);
	assert_clean("abort", session_message(s));
	assert_string_equal(session_message(s)->sender, "");
	assert_int_equal(session_message(s)->mail_time, 0);
	session_free(s);
}

static void test_connection_survives_the_reset(void **state)
{
	struct session *s = session_new(&plain);
	struct net_address client;
	char text[NET_TEXT_SIZE];
	(void)state;

	assert_int_equal(net_parse("192.0.2.7", &client), 0);
	session_connect(s, &client, 2525, false);
	fill(s);
	session_abort(s);
	fill(s);
	const struct message *m = end(s);
	assert_string_equal(net_text(&m->client, text), "192.0.2.7");
	assert_int_equal(m->client_port, 2525);
	assert_int_equal(m->origin, ORIGIN_SMTPD);
	assert_true(m->connect_time != 0);
	assert_false(session_is_local(s));
	session_free(s);
}

static void test_local_mail_has_no_client(void **state)
{
	struct session *s = session_new(&plain);
	struct net_address client;
	(void)state;

	assert_int_equal(net_parse("127.0.0.1", &client), 0);
	session_connect(s, &client, 25, true);
	session_mail(s, "root", NULL);
	const struct message *m = end(s);
	assert_int_equal(m->origin, ORIGIN_SENDMAIL);
	assert_int_equal(m->client.family, 0);
	assert_int_equal(m->client_port, 0);
	assert_true(session_is_local(s));
	session_free(s);
}

static void test_caps_are_marked(void **state)
{
	struct session *s = session_new(&with_subject);
	char long_text[4 * MESSAGE_TEXT_MAX + 1];
	(void)state;

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	fill(s);
	assert_int_equal(session_message(s)->recipient_count, 5);
	assert_int_equal(session_message(s)->recipients.count, 3);
	assert_int_equal(session_message(s)->flags, MESSAGE_CUT_RECIPIENTS);

	session_mail(s, "<a@b.example>", long_text);
	assert_int_equal(session_message(s)->flags, MESSAGE_CUT_TEXT);
	assert_int_equal(strlen(session_message(s)->login), MESSAGE_TEXT_MAX);
	session_mail(s, "<a@b.example>", NULL);
	session_header(s, "Message-ID", long_text);
	assert_int_equal(session_message(s)->flags, MESSAGE_CUT_TEXT);
	session_mail(s, "<a@b.example>", NULL);
	session_header(s, "Subject", long_text);
	assert_int_equal(session_message(s)->flags, MESSAGE_CUT_TEXT);
	session_mail(s, long_text, NULL);
	assert_int_equal(session_message(s)->flags, MESSAGE_CUT_TEXT);
	session_free(s);
}

static void test_from_cap_counts_over_all_fields(void **state)
{
	struct session *s = session_new(&plain);
	char value[64];
	(void)state;

	session_mail(s, "<a@b.example>", NULL);
	for (int i = 0; i < FROM_MAILBOX_MAX; i++) {
		snprintf(value, sizeof(value), "u%d@f.example", i);
		session_header(s, "From", value);
	}
	assert_int_equal(session_message(s)->flags, 0);
	session_header(s, "From", "one@more.example");
	assert_int_equal(session_message(s)->from.count, FROM_MAILBOX_MAX);
	assert_int_equal(session_message(s)->flags, MESSAGE_CUT_FROM);
	session_free(s);
}

/* Kept and scanned later, they make the same list, in order. */
static void test_kept_from(void **state)
{
	struct session *s = session_new(&plain);
	unsigned kept = 0;
	char value[64];
	(void)state;

	session_mail(s, "<a@b.example>", NULL);
	assert_true(session_keep_from(s, "Ann <a@one.example>,\n b@two.example"));
	assert_true(session_keep_from(s, ""));
	assert_true(session_keep_from(s, "c@three.example"));
	assert_int_equal(session_kept_from(s).count, 3);
	assert_int_equal(end(s)->from.count, 0);
	assert_true(session_scan_kept(s, NULL, NULL));
	assert_int_equal(session_kept_from(s).count, 0);
	assert_int_equal(end(s)->from.count, 3);
	assert_string_equal(end(s)->from.first, "a@one.example");
	session_mail(s, "<a@b.example>", NULL);
	assert_int_equal(end(s)->from.count, 0);
	for (snprintf(value, sizeof(value), "u%u@f.example", kept);
	     session_keep_from(s, value) && kept < 1000; kept++)
		snprintf(value, sizeof(value), "u%u@f.example", kept + 1);
	assert_true(kept > 20 && kept < 1000); /* there is a limit */
	session_from(s, "z@later.example", NULL, NULL);
	session_abort(s);
	assert_int_equal(session_kept_from(s).count, 0);
	session_free(s);
}

static void test_queue_id(void **state)
{
	static const struct {
		const char *name, *input;
		int want;
	} cases[] = {
	    {"short", ID, 1},
	    {"long", "4dFVrw75plz1p3V6", 1},
	    {"none", NULL, 0},
	    {"empty", "", 0},
	    {"not one", "../../etc/passwd", 0},
	    {"lower case hex", "1b2c3d4e5f", 0},
	};
	struct session *s = session_new(&plain);
	const struct message *m;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		session_mail(s, "<a@b.example>", NULL);
		case_assert(
		    cases[i].name, session_end(s, cases[i].input, NULL, &m) == cases[i].want);
	}
	session_abort(s);
	assert_int_equal(session_end(s, ID, NULL, &m), 0); /* without MAIL there is no message */
	session_free(s);
}

static void test_login_of_the_end_counts(void **state)
{
	struct session *s = session_new(&plain);
	const struct message *m;
	(void)state;

	session_mail(s, "<a@b.example>", "early");
	assert_int_equal(session_end(s, ID, "late", &m), 1);
	assert_string_equal(m->login, "late");
	session_mail(s, "<a@b.example>", "early");
	assert_int_equal(session_end(s, ID, NULL, &m), 1);
	assert_string_equal(m->login, "early");
	session_free(s);
}

/* Only the queue file fills the queued half. */
static void test_given_half_alone(void **state)
{
	struct session *s = session_new(&plain);
	(void)state;

	fill(s);
	const struct message *m = end(s);
	assert_true(message_is_given(m));
	assert_false(m->queued.known);
	assert_string_equal(m->queued.sender, "");
	assert_string_equal(m->first.login, "");
	session_free(s);
}

UNIT_MAIN(cmocka_unit_test(test_given_half_alone), cmocka_unit_test(test_sender),
    cmocka_unit_test(test_headers), cmocka_unit_test(test_first_of_its_kind_counts),
    cmocka_unit_test(test_subject_is_private), cmocka_unit_test(test_reset),
    cmocka_unit_test(test_connection_survives_the_reset),
    cmocka_unit_test(test_local_mail_has_no_client), cmocka_unit_test(test_caps_are_marked),
    cmocka_unit_test(test_from_cap_counts_over_all_fields), cmocka_unit_test(test_kept_from),
    cmocka_unit_test(test_queue_id), cmocka_unit_test(test_login_of_the_end_counts))
