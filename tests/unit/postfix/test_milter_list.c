/* SPDX-License-Identifier: ISC */
/* Adds the daemon to lists of milters, and removes it. */
#include "tests/unit/unit.h"

#include "postfix/config/milters.h"

#define OURS    "{ unix:/pqpurge/milter.sock, default_action=accept, command_timeout=10s }"
#define TUNED   "{ unix:/pqpurge/milter.sock, command_timeout=30s, default_action = tempfail }"
#define PARTIAL "{ unix:/pqpurge/milter.sock, default_action=accept }"

#define SOCKET "unix:/var/spool/postfix/pqpurge/milter.sock"

/* Postfix's expansion of references, written as $name, ${name} or $(name). */
static void expand(const char *text, struct strbuf *ret)
{
	static const struct {
		const char *name, *value;
	} values[] = {
	    {"smtpd_milters", OURS ", inet:h:1"},
	    {"late", "inet:h:1, " OURS ", { inet:h:2, default_action=accept }"},
	    {"bare", "unix:/pqpurge/milter.sock inet:h:1"},
	    {"others", "inet:h:1 inet:h:2"},
	    {"smtpd_milters?inet:h:1", "inet:h:1"},
	};

	strbuf_clear(ret);
	while (*text) {
		const char *name = text + 1;
		size_t len;

		if (*text != '$') {
			strbuf_putc(ret, *text++);
			continue;
		}
		name += *name == '{' || *name == '(';
		len = strcspn(name, "}), ");
		for (size_t n = 0; n < COUNT_OF(values); n++)
			if (strlen(values[n].name) == len &&
			    strncmp(values[n].name, name, len) == 0)
				strbuf_puts(ret, values[n].value);
		text = name + len;
		text += *text == '}' || *text == ')';
	}
}

static int join(const char *raw, struct strbuf *ret, struct err *err)
{
	struct strbuf expanded = {0};
	int code;

	expand(raw, &expanded);
	code = milter_list_join(OURS, SOCKET, raw, strbuf_text(&expanded), ret, err);
	strbuf_release(&expanded);
	return code;
}

static void test_join(void **state)
{
	static const struct {
		const char *name, *raw, *want;
		int code;
	} cases[] = {
	    {"empty", "", OURS, 1},
	    {"blanks", " \t,", OURS, 1},
	    {"there", OURS, OURS, 0},
	    {"there, then others", OURS ", inet:h:1", OURS ", inet:h:1", 0},
	    {"one other", "inet:h:1", OURS ", inet:h:1", 1},
	    {"separators stay", "inet:h:1 ,inet:h:2\tunix:/x", OURS ", inet:h:1 ,inet:h:2\tunix:/x",
		1},
	    {"other in braces", "{ inet:h:1, default_action=accept }",
		OURS ", { inet:h:1, default_action=accept }", 1},
	    {"braces in braces", "{ inet:h:1, { connect_timeout = 1s } }, inet:h:2",
		OURS ", { inet:h:1, { connect_timeout = 1s } }, inet:h:2", 1},
	    {"not first", "inet:h:1, " OURS, OURS ", inet:h:1", 1},
	    {"in the middle", "inet:h:1, " OURS " {inet:h:2}", OURS ", inet:h:1, {inet:h:2}", 1},
	    {"bare becomes full", "unix:/pqpurge/milter.sock", OURS, 1},
	    {"partial becomes full", PARTIAL ", inet:h:1", OURS ", inet:h:1", 1},
	    {"wrong path",
		"{ unix:/var/spool/postfix/pqpurge/milter.sock, default_action=accept, "
		"command_timeout=10s }",
		OURS, 1},
	    {"tuned stays", TUNED, TUNED, 0},
	    {"tuned moves", "inet:h:1, " TUNED, TUNED ", inet:h:1", 1},
	    {"twice", OURS ", inet:h:1, " OURS, OURS ", inet:h:1", 1},
	    {"bare and tuned", "unix:/pqpurge/milter.sock, " TUNED, TUNED, 1},
	    {"unknown reference", "$nothing", OURS ", $nothing", 1},
	    {"reference to others", "$others", OURS ", $others", 1},
	    {"reference to nothing", "$empty", OURS ", $empty", 1},
	    {"reference that begins with us", "$smtpd_milters", "$smtpd_milters", 0},
	    {"in braces", "${smtpd_milters}", "${smtpd_milters}", 0},
	    {"in parentheses", "$(smtpd_milters) inet:h:3", "$(smtpd_milters) inet:h:3", 0},
	    {"conditional", "${smtpd_milters?inet:h:1}", OURS ", ${smtpd_milters?inet:h:1}", 1},
	    {"reference behind another", "inet:h:3, $smtpd_milters", OURS ", inet:h:3, inet:h:1",
		1},
	    {"reference that has us late", "$late",
		OURS ", inet:h:1, { inet:h:2, default_action=accept }", 1},
	    {"reference that has us bare", "$bare $others", OURS ", inet:h:1, inet:h:1, inet:h:2",
		1},
	    {"us before a reference with us", OURS ", $smtpd_milters", OURS ", inet:h:1", 1},
	    {"open brace", "{ inet:h:1", "", ERR_SYNTAX},
	    {"closed too often", "inet:h:1 } {", "", ERR_SYNTAX},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct strbuf got = {0}, again = {0};
		struct err err = {{0}};
		int code = join(cases[n].raw, &got, &err);

		if (code != cases[n].code)
			case_fail(cases[n].name, "%d: %s", code, err.text);
		case_assert_text(cases[n].name, strbuf_text(&got), cases[n].want);
		/* Adding it again changes nothing. */
		if (code >= 0)
			case_assert(
			    cases[n].name, join(strbuf_text(&got), &again, NULL) == 0 &&
					       strcmp(strbuf_text(&again), strbuf_text(&got)) == 0);
		strbuf_release(&got);
		strbuf_release(&again);
	}
}

static void test_leave(void **state)
{
	static const struct {
		const char *name, *raw, *want;
		int code;
	} cases[] = {
	    {"empty", "", "", 0},
	    {"alone", OURS, "", 1},
	    {"first", OURS ", inet:h:1", "inet:h:1", 1},
	    {"last", "{ inet:h:1 }, " OURS, "{ inet:h:1 }", 1},
	    {"bare", "inet:h:1 unix:/pqpurge/milter.sock inet:h:2", "inet:h:1, inet:h:2", 1},
	    {"twice", OURS " " TUNED, "", 1},
	    {"not there", "inet:h:1 ,inet:h:2", "inet:h:1 ,inet:h:2", 0},
	    {"reference", "$smtpd_milters", "$smtpd_milters", 0},
	    {"before a reference", OURS ", $smtpd_milters", "$smtpd_milters", 1},
	    {"open brace", "{ inet:h:1", "", ERR_SYNTAX},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct strbuf got = {0};
		int code = milter_list_leave(SOCKET, cases[n].raw, &got, NULL);

		if (code != cases[n].code)
			case_fail(cases[n].name, "%d", code);
		case_assert_text(cases[n].name, strbuf_text(&got), cases[n].want);
		strbuf_release(&got);
	}
}

/* A filter of another host that has our port is not ours. */
static void test_hosts(void **state)
{
	static const struct {
		const char *name, *member, *socket;
		unsigned want;
	} cases[] = {
	    {"the same", "inet:127.0.0.1:10", "inet:10@127.0.0.1", 1},
	    {"by name", "inet:localhost:10", "inet:10@127.0.0.1", 1},
	    {"the other loopback", "{ inet:[::1]:10 }", "inet6:10@localhost", 1},
	    {"another port", "inet:127.0.0.1:11", "inet:10@127.0.0.1", 0},
	    {"another host", "inet:192.0.2.7:10", "inet:10@127.0.0.1", 0},
	    {"another host's name", "inet:rspamd:10", "inet:10@localhost", 0},
	    {"another address", "inet:192.0.2.7:10", "inet:10@192.0.2.8", 0},
	    {"another address of IPv6", "inet:[2001:db8::1]:10", "inet6:10@2001:db8::2", 0},
	    {"one of our names", "inet:pqpurge:10", "inet:10@192.0.2.8", 1},
	    {"one of our addresses", "inet:192.0.2.7:10", "inet:10", 1},
	    {"of all", "inet:192.0.2.7:10", "inet:10@0.0.0.0", 1},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct milter m;

		case_assert(cases[n].name,
		    milter_find(cases[n].member, cases[n].socket, &m) == cases[n].want);
	}
}

UNIT_MAIN(cmocka_unit_test(test_join), cmocka_unit_test(test_leave), cmocka_unit_test(test_hosts))
