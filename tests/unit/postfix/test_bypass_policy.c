/* SPDX-License-Identifier: ISC */
/* check_policy_service in restriction lists: its place, and the findings in all lists together. */
#include "tests/unit/unit.h"

#include "postfix/config/bypass_private.h"

#define POLICY_SOCKET "unix:/var/spool/postfix/pqpurge/policy.sock"
#define POLICY_ENTRY  "check_policy_service { unix:pqpurge/policy.sock, default_action=DUNNO }"
#define POLICY                                                                                     \
	"smtpd_recipient_restrictions = reject_unlisted_recipient, " POLICY_ENTRY                  \
	", permit_mynetworks\nsmtpd_end_of_data_restrictions = " POLICY_ENTRY "\n"
#define OURS "{ unix:/pqpurge/milter.sock, default_action=accept, command_timeout=10s }"
#define RIGHT                                                                                      \
	"smtpd_milters = " OURS "\nnon_smtpd_milters = " OURS "\nenable_long_queue_ids = yes\n"
#define CHROOTED                                                                                   \
	"smtp inet n - y - - smtpd\npickup unix n - y 60 1 pickup\ncleanup unix n - y - 0 "        \
	"cleanup\n"
#define SOCKET "unix:/var/spool/postfix/pqpurge/milter.sock"

static void test_place(void **state)
{
	static const struct {
		const char *name, *list;
		bool found;
		const char *in_front;
	} cases[] = {
	    {"empty", "", false, ""},
	    {"alone", POLICY_ENTRY, true, ""},
	    {"bare", "check_policy_service unix:pqpurge/policy.sock", true, ""},
	    {"in capitals", "CHECK_POLICY_SERVICE {unix:pqpurge/policy.sock}", true, ""},
	    {"another", "check_policy_service unix:private/policy", false, "check_policy_service"},
	    {"behind another", "check_policy_service inet:x:1 " POLICY_ENTRY, true,
		"check_policy_service"},
	    {"no argument", "check_policy_service", false, "check_policy_service"},
	    {"behind refusals",
		"reject_non_fqdn_sender,reject_rbl_client permit.example, sleep 1, defer_if_reject "
		"warn_if_reject reject_rhsbl_sender x.example=127.0.0.1 " POLICY_ENTRY,
		true, ""},
	    {"behind a permission", "reject_unlisted_sender permit_mynetworks " POLICY_ENTRY, true,
		"permit_mynetworks"},
	    {"the first counts", "permit_auth_destination permit " POLICY_ENTRY, true,
		"permit_auth_destination"},
	    {"a table's name is no restriction",
		"check_sender_access inline:{permit=OK}, " POLICY_ENTRY, true,
		"check_sender_access"},
	    {"a class", "mine " POLICY_ENTRY, true, "mine"},
	};
	(void)state;

	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct policy_place p = policy_place_in(cases[n].list, POLICY_SOCKET);
		char in_front[64];

		snprintf(in_front, sizeof(in_front), "%.*s", (int)p.in_front.len,
		    p.in_front.len ? (const char *)p.in_front.at : "");
		case_assert(cases[n].name, p.found == cases[n].found);
		case_assert_text(cases[n].name, in_front, cases[n].in_front);
	}
}

static const struct {
	const char *name, *main, *master, *overrides, *policy;
	const char *want;    /* IDs; notes in parentheses */
	const char *command; /* a part of the first finding's; NULL = not checked */
} finding_cases[] = {
    {.name = "only the policy front",
	.main = "enable_long_queue_ids = yes\n" POLICY,
	.master = CHROOTED "submission inet n - y - - smtpd\n",
	.policy = POLICY_SOCKET,
	.want = "(policy_envelope) (policy_envelope) ",
	.command = "postconf smtpd_milters"},
    {.name = "both fronts", .main = RIGHT POLICY, .policy = POLICY_SOCKET, .want = ""},
    {.name = "policy_socket is set, and that is all",
	.main = RIGHT "smtpd_recipient_restrictions = check_policy_service unix:private/other\n",
	.policy = POLICY_SOCKET,
	.want = "policy_missing "},
    {.name = "policy_socket is set, and nothing else",
	.main = "enable_long_queue_ids = yes\n",
	.policy = POLICY_SOCKET,
	.want = "not_set_up "},
    {.name = "no policy_socket, but the lists name it",
	.main = "enable_long_queue_ids = yes\n" POLICY,
	.want = "not_set_up "},
    {.name = "the policy front behind what lets pass",
	.main = "enable_long_queue_ids = yes\nsmtpd_recipient_restrictions = "
		"reject_rbl_client permit.example sleep 1 warn_if_reject reject_unknown_client "
		"permit_mynetworks " POLICY_ENTRY "\n" POLICY,
	.policy = POLICY_SOCKET,
	.want = "(policy_envelope) (policy_envelope) policy_not_first "},
    {.name = "behind what lets pass in both lists",
	.main = "enable_long_queue_ids = yes\nsmtpd_recipient_restrictions = "
		"permit_mynetworks " POLICY_ENTRY
		"\nsmtpd_end_of_data_restrictions = permit_mynetworks " POLICY_ENTRY "\n",
	.policy = POLICY_SOCKET,
	.want = "milter_missing (policy_envelope) policy_not_first policy_not_first "},
    {.name = "behind another service and a table",
	.main = RIGHT "smtpd_recipient_restrictions = check_client_access inline:{a=b}, "
		      "check_policy_service unix:x, " POLICY_ENTRY "\n" POLICY,
	.policy = POLICY_SOCKET,
	.want = "(policy_not_first) ",
	.command = "postconf smtpd_recipient_restrictions"},
    {.name = "half of it: nothing is recorded",
	.main = "enable_long_queue_ids = yes\nsmtpd_recipient_restrictions = " POLICY_ENTRY "\n",
	.policy = POLICY_SOCKET,
	.want = "(policy_envelope) (policy_envelope) policy_half "},
    {.name = "the other half",
	.main = "enable_long_queue_ids = yes\nsmtpd_end_of_data_restrictions = " POLICY_ENTRY "\n",
	.policy = POLICY_SOCKET,
	.want = "(policy_envelope) (policy_envelope) policy_half "},
    {.name = "a service whose restrictions are its own",
	.main = "enable_long_queue_ids = yes\n" POLICY,
	.master = CHROOTED "submission inet n - y - - smtpd\n",
	.overrides = "submission/inet/smtpd_recipient_restrictions = permit_sasl_authenticated,"
		     "reject\n",
	.policy = POLICY_SOCKET,
	.want = "(policy_envelope) (policy_envelope) policy_half "},
    {.name = "no default_action",
	.main =
	    RIGHT "smtpd_recipient_restrictions = check_policy_service "
		  "unix:pqpurge/policy.sock\nsmtpd_policy_service_default_action = 451 x\n" POLICY,
	.policy = POLICY_SOCKET,
	.want = "policy_default_action "},
    {.name = "main.cf's default_action",
	.main =
	    RIGHT "smtpd_recipient_restrictions = Check_Policy_Service "
		  "unix:pqpurge/policy.sock\nsmtpd_policy_service_default_action = dunno\n" POLICY,
	.policy = POLICY_SOCKET,
	.want = ""},
    {.name = "a path that leads elsewhere",
	.main = RIGHT POLICY,
	.policy = "unix:/run/pqpurge/policy.sock",
	.want = "policy_unreachable policy_unreachable "},
    {.name = "a port",
	.main = RIGHT "smtpd_recipient_restrictions = check_policy_service { inet:127.0.0.1:8892, "
		      "default_action=DUNNO }\nsmtpd_end_of_data_restrictions = "
		      "check_policy_service {inet:127.0.0.1:8892,default_action=DUNNO}\n",
	.policy = "inet:8892@127.0.0.1",
	.want = ""},
    {.name = "without milters, but the policy front sees that mail",
	.main = RIGHT POLICY "receive_override_options = no_milters\n",
	.master = "smtp inet n - y - - smtpd\ncleanup unix n - y - 0 cleanup\n",
	.policy = POLICY_SOCKET,
	.want = "(no_milters) "},
};

static struct strbuf text_of(const char *text)
{
	struct strbuf s = {0};

	strbuf_puts(&s, text ? text : "");
	return s;
}

static int look(const struct postfix *p, const char *table, const char *lacking, struct err *err)
{
	(void)p, (void)table, (void)lacking, (void)err;
	return 0;
}

static void test_findings(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT_OF(finding_cases); n++) {
		const char *name = finding_cases[n].name, *command = finding_cases[n].command;
		const char *master = finding_cases[n].master;
		struct mailconf conf = {.main = text_of(finding_cases[n].main),
		    .master = text_of(master ? master : CHROOTED),
		    .overrides = text_of(finding_cases[n].overrides)};
		struct postfix p = {.config_directory = (char[]){"/etc/postfix"},
		    .queue_directory = (char[]){"/var/spool/postfix"}};
		struct bypass_facts facts = {&conf, &p, SOCKET, finding_cases[n].policy, look};
		struct findings found = {0};
		struct strbuf got = {0};

		assert_int_equal(mailconf_parse(&conf), 0);
		bypass_check(&facts, &found);
		for (size_t f = 0; f < found.count; f++)
			strbuf_printf(&got, found.list[f].level == FINDING_FAULT ? "%s " : "(%s) ",
			    found.list[f].id);
		case_assert_text(name, strbuf_text(&got), finding_cases[n].want);
		case_assert(name, !command || strstr(found.list[0].command, command));
		assert_false(found.failed);
		strbuf_release(&got);
		findings_release(&found);
		mailconf_release(&conf);
	}
}

UNIT_MAIN(cmocka_unit_test(test_place), cmocka_unit_test(test_findings))
