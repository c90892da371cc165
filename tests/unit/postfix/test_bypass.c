/* SPDX-License-Identifier: ISC */
/* Settings that let mail bypass the milter: postconf(1)'s answer, and what is found in it. */
#include "tests/unit/unit.h"

#include "postfix/config/bypass.h"
#include "postfix/config/lookup.h"
#include "postfix/config/milters.h"

/* ---- lists */

static void test_milter_list(void **state)
{
	static const struct {
		const char *name, *list, *endpoints, *action; /* of the last one; NULL = none */
	} cases[] = {
	    {"empty", "", "", NULL},
	    {"bare", "unix:/a", "unix:/a|", NULL},
	    {"two", "unix:/a, inet:b:1", "unix:/a|inet:b:1|", NULL},
	    {"blanks alone", " unix:/a\tinet:b:1 ", "unix:/a|inet:b:1|", NULL},
	    {"braces", "{ unix:/a, default_action=accept }", "unix:/a|", "accept"},
	    {"braces without blanks", "{unix:/a,default_action=accept}", "unix:/a|", "accept"},
	    {"spaced attribute", "{ unix:/a, { default_action = reject } }", "unix:/a|", "reject"},
	    {"between others", "inet:x:1,{ unix:/a, x=y },inet:z:2", "inet:x:1|unix:/a|inet:z:2|",
		NULL},
	    {"a longer name", "{ unix:/a, my_default_action=x, default_actions=y }", "unix:/a|",
		NULL},
	    {"attribute at the end", "{ unix:/a, default_action=", "unix:/a|", ""},
	    {"unclosed", "{ unix:/a, default_action=accept", "unix:/a|", "accept"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		const char *at = cases[n].list;
		struct strbuf got = {0};
		struct milter m = {.text = {.at = "", .len = 0}};
		char action[32] = "";

		while (milter_next(&at, &m))
			strbuf_printf(&got, "%s|", m.endpoint);
		case_assert_text(cases[n].name, strbuf_text(&got), cases[n].endpoints);
		case_assert(cases[n].name, milter_attribute(&m, "default_action", action,
					       sizeof(action)) == (cases[n].action != NULL));
		if (cases[n].action)
			case_assert_text(cases[n].name, action, cases[n].action);
		strbuf_release(&got);
	}
}

static void test_ports(void **state)
{
	static const struct {
		const char *name, *endpoint, *port;
	} cases[] = {
	    {"Postfix's", "inet:host:10", "10"},
	    {"libmilter's", "inet:10@host", "10"},
	    {"libmilter's, no host", "inet:10", "10"},
	    {"IPv6", "inet:[::1]:10", "10"},
	    {"unix", "unix:/a:10", ""},
	};
	char port[16];

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		case_assert_text(cases[n].name, milter_port(cases[n].endpoint, port, sizeof(port)),
		    cases[n].port);
}

/* ---- tables */

static void test_tables(void **state)
{
	static const struct {
		const char *name, *text;
		bool of_patterns, want;
	} cases[] = {
	    {"empty", "", true, false},
	    {"plain", "/^X-Spam: yes/ REDIRECT a@b\n", true, true},
	    {"any case, flags, other delimiter", "!~x~i redirect a@b", true, true},
	    {"the pattern speaks of it", "/please REDIRECT me/ WARN\n", true, false},
	    {"an escaped delimiter", "/a\\/b/ REDIRECT a@b\n", true, true},
	    {"a comment", "# /x/ REDIRECT a@b\n", true, false},
	    {"on the next line", "/x/\n   REDIRECT a@b\n", true, true},
	    {"behind a comment inside", "/x/\n# no\n\n   REDIRECT a@b\n", true, true},
	    {"inside if", "if /x/\n/y/ REDIRECT a@b\nendif\n", true, true},
	    {"if is no action", "if /REDIRECT/\n/y/ WARN\nendif\n", true, false},
	    {"a longer word", "/x/ REDIRECTED a@b\n", true, false},
	    {"in another action's text", "/x/ WARN no REDIRECT here\n", true, false},
	    {"an unclosed pattern", "/x REDIRECT a@b\n", true, false},
	    {"by word", "192.0.2.0/24 REDIRECT\n", false, true},
	    {"the key is that word", "REDIRECT OK\n", false, false},
	    {"no action", "/x/\n", true, false},
	    {"no pattern", "!\n", true, false},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		case_assert(cases[n].name, lookup_text_has(cases[n].text, strlen(cases[n].text),
					       cases[n].of_patterns, NULL) == cases[n].want);
}

/* Maps of milters: a list that does not name the daemon. */
static void test_lists_without(void **state)
{
	static const struct {
		const char *name, *text;
		bool want;
	} cases[] = {
	    {"empty", "", false},
	    {"switched off", "192.0.2.0/24 DISABLE\n", true},
	    {"another list", "192.0.2.0/24 inet:127.0.0.1:8891\n", true},
	    {"ours first", "192.0.2.0/24 unix:/pqpurge/milter.sock, inet:x:1\n", false},
	    {"one of two", "192.0.2.1 unix:/pqpurge/milter.sock\n192.0.2.2 inet:x:1\n", true},
	    {"a comment", "# 192.0.2.0/24 inet:x:1\n", false},
	    {"on the next line", "192.0.2.0/24\n  { unix:/pqpurge/milter.sock, x=y }\n", false},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		case_assert(cases[n].name, lookup_text_has(cases[n].text, strlen(cases[n].text),
					       false, "pqpurge/milter.sock") == cases[n].want);
}

/* ---- findings */

#define OURS    "{ unix:/pqpurge/milter.sock, default_action=accept, command_timeout=10s }"
#define COMPACT "{unix:/pqpurge/milter.sock,default_action=accept,command_timeout=10s}"
#define RIGHT                                                                                      \
	"smtpd_milters = " OURS "\nnon_smtpd_milters = " OURS "\nenable_long_queue_ids = yes\n"
#define CHROOTED                                                                                   \
	"smtp inet n - y - - smtpd\npickup unix n - y 60 1 pickup\ncleanup unix n - y - 0 "        \
	"cleanup\n"
#define SOCKET "unix:/var/spool/postfix/pqpurge/milter.sock"

/* Answers that tables with "redirect" or "disable" in their names contain it, and that one with
 * "secret" cannot be read. */
static int look(const struct postfix *p, const char *table, const char *lacking, struct err *err)
{
	(void)p;
	if (lacking)
		assert_string_equal(lacking, "pqpurge/milter.sock");
	if (strstr(table, "secret"))
		return err_set(err, -1, "not for your eyes");
	return strstr(table, "redirect") || strstr(table, "disable");
}

static const struct finding_case {
	const char *name, *main, *master, *overrides;
	const char *socket;  /* NULL = SOCKET */
	const char *want;    /* "id " for a fault, "(id) " for a note */
	const char *command; /* a part of the first finding's; "" = none; NULL = not checked */
} finding_cases[] = {
    {.name = "all is well", .main = RIGHT, .want = ""},
    {.name = "short IDs",
	.main = RIGHT "enable_long_queue_ids = no\n",
	.want = ""}, /* the first of two lines counts */
    {.name = "short IDs, really",
	.main = "smtpd_milters = " OURS "\nnon_smtpd_milters = " OURS "\n",
	.want = "(short_ids) ",
	.command = "postconf -e 'enable_long_queue_ids = yes' && postfix reload"},
    {.name = "nothing names it",
	.main = "enable_long_queue_ids = yes\nsmtpd_milters = inet:x:1\n",
	.want = "not_set_up ",
	.command = "pqpurge-idx setup"},
    {.name = "only half of it",
	.main = "smtpd_milters = " OURS "\nenable_long_queue_ids = yes\n",
	.want = "milter_missing ",
	.command = "postconf -e 'non_smtpd_milters = " OURS "' && postfix reload"},
    {.name = "not first",
	.main = "smtpd_milters = inet:x:1, " OURS "\n" RIGHT,
	.want = "milter_not_first ",
	.command = "'smtpd_milters = " OURS ", inet:x:1'"},
    {.name = "a quote in another milter",
	.main = "smtpd_milters = unix:/it's\n" RIGHT,
	.want = "milter_missing ",
	.command = OURS ", unix:/it'\\''s'"},
    {.name = "bare: tempfail and 30 s",
	.main = "smtpd_milters = unix:/pqpurge/milter.sock\nmilter_default_action = tempfail\n"
		"milter_command_timeout = 30s\n" RIGHT,
	.want = "default_action command_timeout "},
    {.name = "the same by main.cf's own parameters",
	.main = "smtpd_milters = unix:/pqpurge/milter.sock\nmilter_default_action = accept\n"
		"milter_command_timeout = 10s\nmilter_content_timeout = 300s\n" RIGHT,
	.want = ""},
    {.name = "tempfail in braces",
	.main = "smtpd_milters = { unix:/pqpurge/milter.sock, default_action=tempfail, "
		"command_timeout=10s }\n" RIGHT,
	.want = "default_action "},
    {.name = "a service without milters",
	.main = RIGHT,
	.overrides = "smtp/inet/smtpd_milters =\n",
	.want = "milter_missing ",
	.command = "postconf -P 'smtp/inet/smtpd_milters=" COMPACT "' && postfix reload"},
    {.name = "a service with milters of its own keeps them",
	.main = RIGHT,
	.master = CHROOTED "submission inet n - y - - smtpd\n",
	.overrides = "submission/inet/smtpd_milters = { inet:sign:8891, { default_action = accept "
		     "} }, unix:/spam\n",
	.want = "milter_missing ",
	.command = "'submission/inet/smtpd_milters=" COMPACT
		   ",{inet:sign:8891,{default_action=accept}},unix:/spam'"},
    {.name = "mail that a filter gives back",
	.main = RIGHT "content_filter = smtp:127.0.0.1:10024\n",
	.master = CHROOTED "127.0.0.1:10025 inet n - y - - smtpd\n",
	.overrides =
	    "127.0.0.1:10025/inet/smtpd_milters =\n127.0.0.1:10025/inet/content_filter =\n",
	.want = "(milter_missing) ",
	.command = ""},
    {.name = "the same on a bare port",
	.main = RIGHT,
	.master = CHROOTED "10025 inet n - y - - smtpd\n",
	.overrides =
	    "10025/inet/receive_override_options = no_milters\n10025/inet/content_filter =\n",
	.want = "(no_milters) ",
	.command = "postconf -P '10025/inet/receive_override_options'"},
    {.name = "the loopback, where there is no filter",
	.main = RIGHT,
	.master = "127.0.0.1:10025 inet n - y - - smtpd\ncleanup unix n - y - 0 cleanup\n",
	.overrides = "127.0.0.1:10025/inet/smtpd_milters =\n",
	.want = "milter_missing "},
    {.name = "the loopback before the filter",
	.main = RIGHT "content_filter = smtp:127.0.0.1:10024\n",
	.master = "127.0.0.1:10025 inet n - y - - smtpd\ncleanup unix n - y - 0 cleanup\n",
	.overrides = "127.0.0.1:10025/inet/receive_override_options = no_milters\n",
	.want = "no_milters "},
    {.name = "a port for people",
	.main = RIGHT,
	.master = CHROOTED "2525 inet n - y - - smtpd\n",
	.overrides = "2525/inet/smtpd_milters = inet:x:1\n",
	.want = "milter_missing "},
    {.name = "main.cf does not count where every service differs",
	.main = "smtpd_milters =\n" RIGHT,
	.overrides = "smtp/inet/smtpd_milters = " OURS "\n",
	.want = ""},
    {.name = "no_milters of the one smtpd",
	.main = RIGHT,
	.overrides = "smtp/inet/receive_override_options = no_milters,no_address_mappings\n",
	.want = "no_milters ",
	.command = "postconf -P 'smtp/inet/receive_override_options'"},
    {.name = "no_milters in main.cf",
	.main = RIGHT "receive_override_options = no_milters\n",
	.want = "no_milters ",
	.command = "postconf receive_override_options"},
    {.name = "no_milters of sendmail(1)'s",
	.main = RIGHT,
	.overrides = "pickup/unix/receive_override_options = no_milters\n",
	.want = "no_milters "},
    {.name = "a proxy filter",
	.main = RIGHT "smtpd_proxy_filter = 127.0.0.1:10025\n",
	.want = "proxy_filter ",
	.command = "postconf smtpd_proxy_filter"},
    {.name = "a proxy filter, seen behind it",
	.main = RIGHT,
	.master = CHROOTED "127.0.0.1:10026 inet n - y - 10 smtpd\n",
	.overrides = "smtp/inet/smtpd_proxy_filter = 127.0.0.1:10025\n",
	.want = "(proxy_filter) "},
    {.name = "a proxy filter, not seen behind it",
	.main = RIGHT,
	.master = CHROOTED "[127.0.0.1]:10026 inet n - y - 10 smtpd\n",
	.overrides = "smtp/inet/smtpd_proxy_filter = 127.0.0.1:10025\n"
		     "[127.0.0.1]:10026/inet/receive_override_options = no_milters\n",
	.want = "(no_milters) proxy_filter "},
    {.name = "milter maps",
	.main = RIGHT "smtpd_milter_maps = cidr:/etc/harmless, cidr:/etc/disable\n",
	.want = "milter_maps ",
	.command = "grep -vnF 'pqpurge/milter.sock' /etc/disable"},
    {.name = "redirect",
	.main =
	    RIGHT "header_checks = pcre:/etc/redirect\nmime_header_checks = pcre:/etc/redirect\n"
		  "nested_header_checks = pcre:/etc/redirect\nbody_checks =\n",
	.want = "redirect ",
	.command = "grep -inw 'REDIRECT' /etc/redirect"},
    {.name = "redirect in the body",
	.main = RIGHT "body_checks = regexp:/etc/redirect\n",
	.want = "redirect "},
    {.name = "redirect of a service",
	.main = RIGHT,
	.overrides = "cleanup/unix/header_checks = regexp:/etc/redirect\n",
	.want = "redirect "},
    {.name = "a table that cannot be looked at",
	.main = RIGHT "header_checks = pcre:/etc/secret\nmime_header_checks = pcre:/etc/secret\n"
		      "nested_header_checks = pcre:/etc/secret\n",
	.want = "(redirect) "},
    {.name = "an absolute path in a chroot",
	.main = "smtpd_milters = { unix:/var/spool/postfix/pqpurge/milter.sock, "
		"default_action=accept, command_timeout=10s }\n" RIGHT,
	.want = "socket_unreachable ",
	.command = "'smtpd_milters = " OURS "'"},
    {.name = "some chrooted, some not: relative",
	.main = RIGHT,
	.master = "smtp inet n - n - - smtpd\ncleanup unix n - y - 0 cleanup\n",
	.want = "socket_unreachable ",
	.command = "{ unix:pqpurge/milter.sock, default_action=accept"},
    {.name = "relative is right everywhere",
	.main = "smtpd_milters = { unix:pqpurge/milter.sock, default_action=accept, "
		"command_timeout=10s }\n" RIGHT,
	.master = "smtp inet n - n - - smtpd\ncleanup unix n - y - 0 cleanup\n",
	.want = ""},
    {.name = "a socket outside of the chroot",
	.main = RIGHT,
	.master = "smtp inet n - y - - smtpd\ncleanup unix n - n - 0 cleanup\n",
	.socket = "unix:/pqpurge/milter.sock",
	.want = "socket_unreachable ",
	.command = "postconf -F 'smtp/inet/chroot=n' && postfix reload"},
    {.name = "chroot by a dash, in times of old",
	.main = RIGHT "compatibility_level = 0\n",
	.master = "smtp inet n - - - - smtpd\ncleanup unix n - - - 0 cleanup\n",
	.want = ""},
    {.name = "chroot by a dash, today",
	.main = RIGHT "compatibility_level = 3.6\n",
	.master = "smtp inet n - - - - smtpd\ncleanup unix n - y - 0 cleanup\n",
	.want = "socket_unreachable "},
    {.name = "another port",
	.main = "smtpd_milters = inet:127.0.0.1:11\nmilter_default_action = accept\n"
		"non_smtpd_milters = inet:127.0.0.1:10\nenable_long_queue_ids = yes\n",
	.socket = "inet:10@localhost",
	.want = "milter_missing ",
	.command = "inet:localhost:10"},
    {.name = "socket activation",
	.main = "smtpd_milters = unix:/pqpurge/milter.sock\nmilter_default_action = accept\n"
		"milter_command_timeout = 30s\n" RIGHT,
	.socket = "fd:3",
	.want = "socket_activation "},
};

static struct strbuf text_of(const char *text)
{
	struct strbuf s = {0};

	strbuf_puts(&s, text ? text : "");
	return s;
}

static void test_findings(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT_OF(finding_cases); n++) {
		const struct finding_case *c = &finding_cases[n];
		struct mailconf conf = {.main = text_of(c->main),
		    .master = text_of(c->master ? c->master : CHROOTED),
		    .overrides = text_of(c->overrides)};
		struct postfix p = {.config_directory = (char[]){"/etc/postfix"},
		    .queue_directory = (char[]){"/var/spool/postfix"}};
		struct bypass_facts facts = {
		    .conf = &conf, .p = &p, .socket = c->socket ? c->socket : SOCKET, .look = look};
		struct findings found = {0};
		struct strbuf got = {0};

		assert_int_equal(mailconf_parse(&conf), 0);
		bypass_check(&facts, &found);
		for (size_t f = 0; f < found.count; f++)
			strbuf_printf(&got, found.list[f].level == FINDING_FAULT ? "%s " : "(%s) ",
			    found.list[f].id);
		case_assert_text(c->name, strbuf_text(&got), c->want);
		if (c->command && (*c->command ? !strstr(found.list[0].command, c->command)
					       : *found.list[0].command))
			case_fail(c->name, "the command is %s", found.list[0].command);
		assert_false(found.failed);
		strbuf_release(&got);
		findings_release(&found);
		mailconf_release(&conf);
	}
}

/* Commands for an instance other than the default one name it. */
static void test_other_instance(void **state)
{
	struct mailconf conf = {.main = text_of(RIGHT), .master = text_of(CHROOTED)};
	struct postfix p = {.config_directory = (char[]){"/etc/postfix-out"},
	    .queue_directory = (char[]){"/var/spool/postfix"}};
	struct bypass_facts facts = {.conf = &conf, .p = &p, .socket = SOCKET};
	struct findings found = {0};

	(void)state;
	conf.overrides = text_of("smtp/inet/smtpd_milters =\n");
	assert_int_equal(mailconf_parse(&conf), 0);
	bypass_check(&facts, &found);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.list[0].command,
	    "postconf -c /etc/postfix-out -P 'smtp/inet/smtpd_milters=" COMPACT "' && "
	    "postfix -c /etc/postfix-out reload");
	assert_true(bypass_is_past_rules(&found.list[0]));
	assert_int_equal(findings_faults(&found), 1);
	assert_true(findings_have(&found, "milter_missing"));
	findings_release(&found);
	mailconf_release(&conf);
}

/* Whether another instance's lists lead to our socket: the file counts, not its name. */
static void test_names_socket(void **state)
{
	static const struct {
		const char *name, *main, *master, *socket;
		bool want;
	} cases[] = {
	    {"the whole path", "smtpd_milters = unix:/var/spool/postfix/pqpurge/milter.sock\n",
		"smtp inet n - n - - smtpd\n", SOCKET, true},
	    {"its own, named alike", "smtpd_milters = " OURS "\n", "smtp inet n - y - - smtpd\n",
		SOCKET, false},
	    {"not at all", "smtpd_milters = inet:x:1\n", "smtp inet n - y - - smtpd\n", SOCKET,
		false},
	    {"behind another",
		"non_smtpd_milters = inet:x:1, "
		"unix:/var/spool/postfix/pqpurge/milter.sock\n",
		"cleanup unix n - n - 0 cleanup\n", SOCKET, true},
	    {"a port", "smtpd_milters = inet:127.0.0.1:10\n", "smtp inet n - y - - smtpd\n",
		"inet:10@127.0.0.1", true},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct mailconf conf = {
		    .main = text_of(cases[n].main), .master = text_of(cases[n].master)};
		struct postfix p = {.config_directory = (char[]){"/etc/postfix-b"},
		    .queue_directory = (char[]){"/var/spool/postfix-b"}};
		struct bypass_facts facts = {.conf = &conf, .p = &p, .socket = cases[n].socket};

		assert_int_equal(mailconf_parse(&conf), 0);
		case_assert(cases[n].name, bypass_names_socket(&facts) == cases[n].want);
		mailconf_release(&conf);
	}
}

UNIT_MAIN(cmocka_unit_test(test_lists_without), cmocka_unit_test(test_names_socket),
    cmocka_unit_test(test_milter_list), cmocka_unit_test(test_ports), cmocka_unit_test(test_tables),
    cmocka_unit_test(test_findings), cmocka_unit_test(test_other_instance))
