/* SPDX-License-Identifier: ISC */
/* Mail logs: time stamps, years, and lines joined to messages. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "flood/maillog.h"

/* In UTC, so that stamps without a zone do not depend on the machine. */
static int set_zone(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	return 0;
}

static void test_stamps(void **state)
{
	static const struct {
		const char *line;
		int64_t want; /* -1: none */
	} cases[] = {
	    {"Nov 29 15:22:26 host x", 1795965746},
	    {"Jan  5 00:00:00 host x", 1767571200},
	    {"2026-11-29T15:22:26Z host x", 1795965746},
	    {"2026-11-29T15:22:26.123456+00:00 host x", 1795965746},
	    {"2026-11-29T17:22:26.5+0200 host x", 1795965746},
	    {"2026-11-29T10:22:26-05:00 host x", 1795965746},
	    {"2026-11-29 15:22:26 host x", 1795965746},
	    {"Nov 32 15:22:26 host x", -1},
	    {"Nox 29 15:22:26 host x", -1},
	    {"Nov 29 25:22:26 host x", -1},
	    {"Nov 29 15:22", -1},
	    {"2026-13-29T15:22:26Z host x", -1},
	    {"2026-11-29T15:22:26", -1},
	    {"0000-11-29T15:22:26Z host", -1},
	    {"", -1},
	    {"garbage", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *rest = NULL;
		int64_t got = -1;

		if (maillog_stamp(cases[i].line, 2026, &got, &rest) != (cases[i].want >= 0))
			fail_msg("'%s': %lld", cases[i].line, (long long)got);
		if (cases[i].want >= 0 && (got != cases[i].want || strncmp(rest, "host", 4) != 0))
			fail_msg("'%s': %lld, rest '%s'", cases[i].line, (long long)got, rest);
	}
}

struct seen {
	char text[2048];
};

static void on_message(void *arg, const struct flood_message *m)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);
	char client[NET_TEXT_SIZE];

	snprintf(s->text + at, sizeof(s->text) - at, "%lld %s %s %s %u%s;",
	    (long long)(m->now / USEC_PER_SEC), *m->login ? m->login : "-",
	    m->client.family ? net_text(&m->client, client) : "-", m->sender, m->recipients,
	    m->local ? " local" : "");
}

static void on_bad(void *arg, enum flood_kind kind, const char *key, int64_t now)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	(void)now;
	snprintf(s->text + at, sizeof(s->text) - at, "bad %s %s;", flood_kind_word(kind), key);
}

/* Reads these lines; mtime 2026-11-30. */
static void read_lines(const char *text, struct seen *s, struct maillog_counts *ret)
{
	struct maillog *l = maillog_new(on_message, on_bad, s);
	char copy[4096], *rest = copy;

	assert_non_null(l);
	snprintf(copy, sizeof(copy), "%s", text);
	char first[512];
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "\n"), text);
	s->text[0] = '\0';
	maillog_file(l, maillog_first(first, 1796000000));
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line)
			maillog_line(l, line, false);
	*ret = *maillog_counts(l);
	maillog_free(l);
}

#define AT "Nov 29 15:22:26 host "
#define ID "A1B2C123456"

static void test_messages(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
	    {"a login",
		AT "postfix/submission/smtpd[1]: " ID
		   ": client=c[192.0.2.1], sasl_method=PLAIN, sasl_username=joe\n" AT
		   "postfix/cleanup[2]: " ID ": message-id=<1@x>\n" AT "postfix/qmgr[3]: " ID
		   ": from=<joe@a.example>, size=1, nrcpt=3 (queue active)\n",
		"1795965746 joe 192.0.2.1 joe@a.example 3;"},
	    {"another syslog_name, IPv6 and a port",
		AT "mail-out/smtpd[1]: " ID ": client=unknown[2001:db8::1]:123\n" AT
		   "mail-out/qmgr[3]: " ID ": from=<>, size=1, nrcpt=1 (queue active)\n",
		"1795965746 - 2001:db8::1  1;"},
	    {"sendmail",
		AT "postfix/pickup[1]: " ID ": uid=33 from=<www-data>\n" AT "postfix/qmgr[3]: " ID
		   ": from=<www-data@h.example>, size=1, nrcpt=1 (queue active)\n",
		"1795965746 - - www-data@h.example 1 local;"},
	    {"a retry counts once",
		AT "postfix/smtpd[1]: " ID ": client=c[192.0.2.1]\n" AT "postfix/qmgr[3]: " ID
		   ": from=<a@b.example>, size=1, nrcpt=1 (queue active)\n" AT
		   "postfix/qmgr[3]: " ID ": from=<a@b.example>, size=1, nrcpt=1 (queue active)\n",
		"1795965746 - 192.0.2.1 a@b.example 1;"},
	    {"back from a filter",
		AT "postfix/smtpd[1]: " ID
		   ": client=localhost[127.0.0.1], orig_queue_id=9A, orig_client=c[192.0.2.1]\n" AT
		   "postfix/qmgr[3]: " ID ": from=<a@b.example>, size=1, nrcpt=1 (queue active)\n",
		""},
	    {"undelivered",
		AT
		"postfix/smtpd[1]: " ID ": client=c[192.0.2.1], sasl_username=joe\n" AT
		"postfix/qmgr[3]: " ID ": from=<a@b.example>, size=1, nrcpt=1 (queue active)\n" AT
		"postfix/smtp[4]: " ID ": to=<x@y>, status=deferred (slow)\n"
		"Nov 29 15:42:26 host postfix/smtp[4]: " ID ": to=<x@y>, status=deferred (slow)\n"
		"Nov 29 15:52:26 host postfix/smtp[4]: " ID ": to=<x@y>, status=bounced (no)\n",
		"1795965746 joe 192.0.2.1 a@b.example 1;bad login joe;"},
	    {"of no known beginning",
		AT "postfix/qmgr[3]: " ID ": from=<a@b.example>, size=1, nrcpt=1 (queue active)\n",
		""},
	    {"from December to January",
		"Dec 31 23:59:59 host postfix/smtpd[1]: " ID ": client=c[192.0.2.1]\n"
		"Dec 31 23:59:59 host postfix/qmgr[3]: " ID
		": from=<a@b.example>, size=1, nrcpt=1 (queue active)\n"
		"Jan  1 00:00:01 host postfix/smtpd[1]: A1B2C123457: client=c[192.0.2.1]\n"
		"Jan  1 00:00:01 host postfix/qmgr[3]: A1B2C123457: from=<a@b.example>, size=1, "
		"nrcpt=1 (queue active)\n",
		"1767225599 - 192.0.2.1 a@b.example 1;1767225601 - 192.0.2.1 a@b.example 1;"},
	    {"a late line of December",
		"Dec 31 23:59:59 host postfix/smtpd[1]: " ID ": client=c[192.0.2.1]\n"
		"Jan  1 00:00:00 host postfix/smtpd[1]: A1B2C123457: client=c[192.0.2.1]\n"
		"Dec 31 23:59:59 host postfix/smtpd[1]: A1B2C123458: client=c[192.0.2.1]\n"
		"Jan  1 00:00:01 host postfix/smtpd[1]: A1B2C123459: client=c[192.0.2.1]\n"
		"Jan  1 00:00:01 host postfix/qmgr[3]: A1B2C123458: from=<a@b.example>, size=1, "
		"nrcpt=1 (queue active)\n"
		"Jan  1 00:00:01 host postfix/qmgr[3]: A1B2C123459: from=<a@b.example>, size=1, "
		"nrcpt=1 (queue active)\n",
		"1767225599 - 192.0.2.1 a@b.example 1;1767225601 - 192.0.2.1 a@b.example 1;"},
	    {"hostile lines",
		AT "postfix/smtpd[1]: " ID ": client=\n" AT "postfix/smtpd[1]: " ID
		   ": client=[\n" AT "postfix/smtpd[1]: not-an-id!: client=c[192.0.2.1]\n" AT
		   "postfix/qmgr[3]: " ID ": from=<a, size=1, nrcpt=1\n" AT "smtpd\n" AT "[\n" AT
		   "a[1]: b\n" AT "postfix/smtpd[1]: " ID
		   ": client=c[192.0.2.1], sasl_username=\n" AT "postfix/qmgr[3]: " ID
		   ": from=<a@b.example>, size=1, nrcpt=-99999999999999999999\n",
		"1795965746 - 192.0.2.1 a@b.example 1;"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct maillog_counts counts;
		struct seen s;

		read_lines(cases[i].text, &s, &counts);
		if (strcmp(s.text, cases[i].want) != 0)
			fail_msg("%s: '%s', not '%s'", cases[i].name, s.text, cases[i].want);
	}
}

static void test_broken_lines_are_counted(void **state)
{
	struct maillog_counts counts;
	struct seen s;

	(void)state;
	read_lines(AT "postfix/smtpd[1]: x\nbroken\nNov 99 1\n\n", &s, &counts);
	assert_int_equal(counts.lines, 3);
	assert_int_equal(counts.broken, 2);
}

/* With more messages in progress than fit, the oldest go and memory stays bounded. */
static void test_many_pending(void **state)
{
	struct seen s = {{0}};
	struct maillog *l = maillog_new(on_message, on_bad, &s);
	char line[256];

	(void)state;
	maillog_file(l, maillog_first(AT, 1796000000));
	for (uint32_t n = 0; n < 2 * MAILLOG_PENDING; n++) {
		snprintf(line, sizeof(line), AT "postfix/smtpd[1]: A1B2C%X: client=c[192.0.2.1]",
		    0x100000 + n);
		maillog_line(l, line, false);
	}
	for (uint32_t n = 0; n < 2; n++) {
		snprintf(line, sizeof(line),
		    AT "postfix/qmgr[1]: A1B2C%X: from=<a@b.example>, size=1, nrcpt=1",
		    0x100000 + n * (2 * MAILLOG_PENDING - 1));
		maillog_line(l, line, false);
	}
	assert_string_equal(s.text, "1795965746 - 192.0.2.1 a@b.example 1;");
	assert_int_equal(maillog_counts(l)->unjoined, 1);
	maillog_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stamps),
	    cmocka_unit_test(test_messages),
	    cmocka_unit_test(test_broken_lines_are_counted),
	    cmocka_unit_test(test_many_pending),
	};

	return cmocka_run_group_tests(tests, set_zone, NULL);
}
