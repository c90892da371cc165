/* SPDX-License-Identifier: ISC */
/* Reasons that differ only in details of one message become one; others stay apart. */
#include "tests/unit/unit.h"

#include "postfix/spool/reason_fold.h"

static void test_fold(void **state)
{
	static const struct {
		const char *name, *input, *want;
	} cases[] = {
	    {"empty", "", ""},
	    {"timeout", "connect to mx1.dom7.test[192.0.2.7]:25: Connection timed out",
		"connect to HOST[IP]:N: Connection timed out"},
	    {"reply and status stay",
		"host mx.a.test[2001:db8::1] said: 450 4.7.1 <u@a.test>: try again in 300 seconds "
		"(in reply to RCPT TO command)",
		"host HOST[IP] said: 450 4.7.1 <ADDRESS>: try again in N seconds (in reply to RCPT "
		"TO command)"},
	    {"reply at the front", "452-4.2.2 The email account is over quota",
		"452-4.2.2 The email account is over quota"},
	    {"a number is no reply", "wait 450 seconds", "wait N seconds"},
	    {"no status", "version 3.4.5, 4.7 and 4.777.5.1", "version N.N.N, N.N and N.N.N.N"},
	    {"three digits of a status", "5.100.321", "5.100.321"},
	    {"ids", "deferred ABC123DEF and a1-20020a170906 here", "deferred ID and ID here"},
	    {"short words keep their letters", "mx1 TLS13 S25R", "mxN TLSN SNR"},
	    {"url", "see https://support.test/mail/?p=Rate&id=7 (12)", "see URL (N)"},
	    {"name",
		"Host or domain name not found. Name service error for name=d7.test type=MX: Host "
		"not found, try again",
		"Host or domain name not found. Name service error for name=HOST type=MX: Host not "
		"found, try again"},
	    {"address in words", "mailbox of a.b+c@d.test is full", "mailbox of ADDRESS is full"},
	    {"a lone at", "rate @ 7", "rate @ N"},
	    {"bare ip", "198.51.100.7 is listed", "IP is listed"},
	    {"local host", "connect to localhost[127.0.0.1]:10025: Connection refused",
		"connect to HOST[IP]:N: Connection refused"},
	    {"unclosed", "host x.test[", "host HOST["},
	    {"bytes stay", "voll \xc3\xbc \xff", "voll \xc3\xbc \xff"},
	};
	struct strbuf folded = {0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		reason_fold(cases[n].input, &folded);
		case_assert_text(cases[n].name, strbuf_text(&folded), cases[n].want);
	}
	strbuf_release(&folded);
}

UNIT_MAIN(cmocka_unit_test(test_fold))
