/* SPDX-License-Identifier: ISC */
/* The command with --fleet and a script as its link: the requests, the waiting, the output. */
#include "tests/unit/purge/fleet_link_fixture.h"

#include "base/clock.h"

#define CONNECTED "{\"ok\":true,\"fleet\":\"x\",\"version\":1,\"user\":\"anna\"}\n"
#define PLACED                                                                                     \
	"{\"ok\":true,\"order\":16,\"rule_version\":3,\"hosts\":[{\"name\":\"mx1\",\"seen_us\":5}" \
	"]}\n"
#define RESULTS(members) "{\"ok\":true,\"order\":16,\"results\":[" members "]}\n"
#define DONE                                                                                       \
	"{\"host\":\"mx1\",\"state\":\"done\",\"attempt\":1,\"exit\":0,\"seen_us\":5,\"age_us\":"  \
	"9,"                                                                                       \
	"\"summary\":{\"matched\":800,\"deleted\":800,\"batch\":4}}"
#define OPEN   "{\"host\":\"mx1\",\"state\":\"running\",\"attempt\":1,\"seen_us\":5}"
#define ABSENT "{\"host\":\"mx3\",\"state\":\"pending\",\"attempt\":0,\"seen_us\":240000000}"
#define FAILED                                                                                     \
	"{\"host\":\"mx2\",\"state\":\"refused\",\"attempt\":1,\"exit\":1,\"seen_us\":5,"          \
	"\"words\":\"\\u001b[2Jno\"}"

static void test_exits(void **state)
{
	static const struct {
		const char *name, *answers;
		int status;
		const char *out; /* a part of the output */
	} cases[] = {
	    {"done", CONNECTED PLACED RESULTS(DONE), 0, "\"deleted\":800"},
	    {"it waits", CONNECTED PLACED RESULTS(OPEN) RESULTS(OPEN) RESULTS(DONE), 0,
		"\"done\":1"},
	    {"absent", CONNECTED PLACED RESULTS(DONE "," ABSENT), 4,
		"{\"host\":\"mx3\",\"order\":16,\"state\":\"absent\",\"attempt\":0}"},
	    {"refused", CONNECTED PLACED RESULTS(DONE "," FAILED "," ABSENT), 2, "\"failed\":1"},
	    {"no database", "{\"error\":\"connect\",\"text\":\"no route\"}\n", 1, ""},
	    {"no such host", CONNECTED "{\"error\":\"refused\",\"text\":\"no such host: x\"}\n", 1,
		""},
	    {"an answer that was lost",
		CONNECTED "{\"error\":\"connect\",\"text\":\"lost\"}\n" PLACED RESULTS(DONE), 0,
		"\"deleted\":800"},
	    {"a standby takes over",
		CONNECTED PLACED "{\"error\":\"connect\",\"text\":\"lost\"}\n" RESULTS(DONE), 0,
		"\"deleted\":800"},
	    {"a link that ends", CONNECTED PLACED, 2, ""},
	    {"nonsense", CONNECTED "[]\n", 2, ""},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		char *out;
		int status;

		answer_with(cases[n].answers);
		status = run("purge --fleet --json -y example.com", &out);
		if (status != cases[n].status || !strstr(out, cases[n].out) || strchr(out, '\033'))
			case_fail(cases[n].name, "%d '%s' '%s'", status, out, read_file(errors));
		case_assert(cases[n].name, !strchr(read_file(errors), '\033'));
	}
}

/* An order whose answer is lost may stand. Only a refused one was not placed. */
static void test_unknown(void **state)
{
#define LOST "{\"error\":\"connect\",\"text\":\"lost\"}\n"
	static const struct {
		const char *name, *answers;
		int status;
		const char *words;
	} cases[] = {
	    {"refused", CONNECTED "{\"error\":\"refused\",\"text\":\"no\"}\n", 1,
		"the order was not placed: the fleet: no"},
	    {"it takes too long", CONNECTED "{\"error\":\"timeout\",\"text\":\"x\"}\n", 2,
		"it is unknown whether the order was placed"},
	    {"the link ends", CONNECTED, 2, "it is unknown whether the order was placed"},
	    {"no database any more", CONNECTED LOST LOST LOST LOST LOST, 2,
		"it is unknown whether the order was placed"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		char *out;
		int status;

		answer_with(cases[n].answers);
		status = run("purge --fleet -y example.com", &out);
		if (status != cases[n].status || !strstr(read_file(errors), cases[n].words))
			case_fail(cases[n].name, "%d '%s'", status, read_file(errors));
	}
}

/* A repeated order has the same token, and its rules. A dry run leaves nothing behind. */
static void test_requests(void **state)
{
	char *out, *sent, *token, *again;

	(void)state;
	answer_with(CONNECTED "{\"error\":\"connect\",\"text\":\"lost\"}\n" PLACED RESULTS(
	    DONE) "{\"ok\":true,\"hosts\":[{\"name\":\"mx1\",\"rules\":3}]}\n");
	assert_int_equal(run("purge --host mx1 -y --block=2h --reason why example.com", &out), 0);
	assert_non_null(strstr(out, "Deleted 800 messages on 1 of 1 host.\n"));
	assert_non_null(strstr(out, "in force on 1 of 1 host."));
	sent = read_file(requests);
	assert_non_null(strstr(sent, "\"do\":\"connect\",\"fleet\":\"service=test\""));
	assert_non_null(strstr(sent, "\"hosts\":[\"mx1\"]"));
	assert_non_null(strstr(sent, "\"rules_for_s\":7200"));
	assert_non_null(strstr(sent, "\"subject\":\"example.com\",\"action\":\"REJECT\""));
	assert_non_null(strstr(sent, "\"reason\":\"why\""));
	token = strstr(sent, "\"token\":");
	assert_non_null(token);
	again = strstr(token + 1, "\"token\":");
	assert_non_null(again);
	assert_memory_equal(token, again, 46);

	answer_with(CONNECTED PLACED RESULTS(DONE));
	assert_int_equal(run("purge --fleet -n --block example.com", &out), 0);
	sent = read_file(requests);
	assert_null(strstr(sent, "\"rules\""));
	assert_non_null(strstr(sent, "\"dry_run\":true"));
	assert_non_null(strstr(sent, "\"expire_s\":30"));
}

static void test_rules(void **state)
{
	char *out;

	(void)state;
	answer_with(CONNECTED
	    "{\"ok\":true,\"rule_version\":4}\n"
	    "{\"ok\":true,\"hosts\":[{\"name\":\"a\",\"state\":\"present\",\"rules\":3}]}\n"
	    "{\"ok\":true,\"hosts\":[{\"name\":\"a\",\"state\":\"present\",\"rules\":4},"
	    "{\"name\":\"b\",\"state\":\"absent\",\"rules\":3},"
	    "{\"name\":\"c\",\"state\":\"retired\",\"rules\":0}]}\n");
	assert_int_equal(run("block --fleet --for 1h Example.com", &out), 4);
	assert_non_null(strstr(out, "in force on 1 of 2 hosts."));
	assert_non_null(strstr(read_file(requests), "\"subject\":\"example.com\""));
	assert_non_null(strstr(read_file(requests), "\"for_s\":3600"));
}

/* As without --fleet: a rule that is not there is no failure, but is not said to be removed. */
static void test_unblock(void **state)
{
	static const struct {
		const char *rules, *words, *want;
	} cases[] = {
	    {"{\"subject\":\"example.com\"}", "", "example.com: unblocked, in force on 1 of 1"},
	    {"{\"subject\":\"b.example.com\"}", "",
		"'block --fleet' has set no rule for example.com.\n"},
	    {"", "--json ", "\"result\":\"absent\""},
	    {"", "--json -n ", "\"result\":\"absent\""},
	    {"{\"subject\":\"example.com\"}", "--json -n ", "\"result\":\"would-remove\""},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		char answers[512], line[100], *out;

		snprintf(answers, sizeof(answers),
		    CONNECTED "{\"ok\":true,\"rules\":[%s]}\n{\"ok\":true,\"rule_version\":4}\n"
			      "{\"ok\":true,\"hosts\":[{\"name\":\"a\",\"state\":\"present\","
			      "\"rules\":4}]}\n",
		    cases[n].rules);
		snprintf(line, sizeof(line), "unblock --fleet %sExample.com", cases[n].words);
		answer_with(answers);
		case_assert(cases[n].want, run(line, &out) == 0);
		case_assert(cases[n].want, strstr(out, cases[n].want));
	}
}

static void test_unblock_without_answer(void **state)
{
	static const char *const answers[] = {
	    CONNECTED, CONNECTED "{\"error\":\"timeout\",\"text\":\"x\"}\n"};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(answers); n++) {
		char *out;

		answer_with(answers[n]);
		case_assert(answers[n], run("unblock --fleet example.com", &out) == 2);
		case_assert_text(answers[n], out, "");
	}
}

/* One fleet refuses the order, and --host leaves the other one out. */
static void test_placed_nowhere(void **state)
{
	char *out;

	(void)state;
	write_file(program,
	    "#!/bin/sh\nread line\necho '{\"ok\":true}'\n"
	    "case $line in *service=west*) host=mx1 ;; *) host=mx2 ;; esac\n"
	    "while read line; do case $line in\n"
	    "*place*) echo '{\"error\":\"refused\",\"text\":\"no\"}' ;;\n"
	    "*) echo '{\"ok\":true,\"hosts\":[{\"name\":\"'$host'\",\"state\":\"present\"}]}' ;;\n"
	    "esac; done\n",
	    0755);
	assert_int_equal(run("purge --fleet=west,east --host mx1 -y example.com", &out), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(read_file(errors), "the order was not placed: the fleet west: no"));
}

/* A fleet that cannot be reached stops the order for all, and the words say how to go on. */
static void test_unreachable(void **state)
{
	char *out;

	(void)state;
	write_file(program,
	    "#!/bin/sh\nread line\n"
	    "case $line in *service=west*) echo '{\"error\":\"connect\",\"text\":\"x\"}'; exit ;;"
	    " esac\necho '{\"ok\":true}'\n"
	    "while read line; do echo '{\"ok\":true,\"hosts\":[]}'; done\n",
	    0755);
	assert_int_equal(run("purge --fleet=north,west,east -y example.com", &out), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(read_file(errors), "nothing was done in any fleet"));
	assert_non_null(strstr(read_file(errors), "'--fleet=north,east'"));
}

/* A fleet that does not answer in time is given up; the rules in force in the other are
 * reported. */
static void test_rule_of_one_fleet(void **state)
{
	char *out;

	(void)state;
	write_file(program,
	    "#!/bin/sh\nread line\necho '{\"ok\":true}'\n"
	    "case $line in *service=west*) west=1 ;; esac\n"
	    "while read line; do case $west$line in\n"
	    "1*) echo '{\"error\":\"timeout\",\"text\":\"x\"}'; exit ;;\n"
	    "*rule*) echo '{\"ok\":true,\"rule_version\":4}' ;;\n"
	    "*) echo '{\"ok\":true,\"hosts\":[{\"name\":\"a\",\"state\":\"present\","
	    "\"rules\":4}]}' ;;\nesac; done\n",
	    0755);
	assert_int_equal(run("block --fleet=west,east --for 1h a.test b.test", &out), 2);
	assert_non_null(strstr(out, "a.test: REJECT until"));
	assert_non_null(strstr(out, "in force on 1 of 1 host."));
	assert_non_null(strstr(out, "b.test: REJECT until"));
	assert_non_null(strstr(read_file(errors), "the fleet west: x"));
}

#define TOKEN "0f8fad5b-d9cb-469f-a165-70867728950e"

/* undo uses the token of the order, which must be a hold. */
static void test_undo(void **state)
{
	char *out;

	(void)state;
	answer_with(CONNECTED
	    "{\"ok\":true,\"order\":9,\"verb\":\"hold\",\"token\":\"" TOKEN "\",\"results\":[" DONE
	    "]}\n"
	    "{\"ok\":true,\"hosts\":[{\"name\":\"mx1\",\"state\":\"present\"}]}\n" PLACED RESULTS(
		DONE));
	assert_int_equal(run("undo --fleet -y 9", &out), 0);
	assert_non_null(strstr(read_file(requests), "\"verb\":\"undo\""));
	assert_non_null(strstr(read_file(requests), "\"of\":[\"" TOKEN "\"]"));
	assert_non_null(strstr(read_file(requests), "\"hosts\":[\"mx1\"]"));
	answer_with(
	    CONNECTED "{\"ok\":true,\"order\":9,\"verb\":\"purge\",\"token\":\"" TOKEN "\"}\n");
	assert_int_equal(run("undo --fleet -y 9", &out), 1);
	assert_non_null(strstr(read_file(errors), "not a hold"));
	answer_with(CONNECTED "{\"ok\":true}\n");
	assert_int_equal(run("undo --fleet -y 9", &out), 1);
	answer_with(CONNECTED
	    "{\"ok\":true,\"order\":9,\"verb\":\"hold\",\"token\":\"" TOKEN "\",\"results\":[" DONE
	    "]}\n{\"ok\":true,\"hosts\":[{\"name\":\"mx1\",\"state\":\"retired\"}]}\n");
	assert_int_equal(run("undo --fleet -y 9", &out), 1);
	assert_non_null(strstr(read_file(errors), "the hosts of the order are retired"));
	answer_with(CONNECTED);
	assert_int_equal(run("undo --fleet -y 9 10", &out), 1);
}

#define LOOKED(host, lines)                                                                        \
	"{\"host\":\"" host "\",\"state\":\"done\",\"seen_us\":5,\"summary\":{\"lines\":" lines "}}"
#define LINES(lines, last) "{\"ok\":true,\"lines\":[" lines "],\"last\":" last "}\n"
#define GROUP(name, count) "{\"group\":\"" name "\",\"count\":" count "}"

/* The groups of all hosts are added up. A host whose list was cut makes sums "at least". */
static void test_top(void **state)
{
	char *out;

	(void)state;
	answer_with(CONNECTED PLACED RESULTS(LOOKED("mx1", "1000") "," LOOKED("mx2", "1"))
		LINES(GROUP("a.test", "3"), "false") LINES(GROUP("b.test", "4"), "true")
		    LINES(GROUP("a.test", "5"), "true"));
	assert_int_equal(run("top --fleet --json --limit 1", &out), 0);
	assert_non_null(strstr(out, "{\"group\":\"a.test\",\"count\":8,"));
	assert_non_null(strstr(out, "\"hosts\":2,\"at_least\":true"));
	assert_null(strstr(out, "b.test"));
	assert_non_null(strstr(read_file(requests), "\"limit\":1000"));
}

/* A host that sends groups without end is not asked again. */
static void test_too_many_groups(void **state)
{
	struct strbuf answers = {0};
	char *out;

	(void)state;
	strbuf_puts(
	    &answers, CONNECTED PLACED RESULTS(LOOKED("mx1", "1")) "{\"ok\":true,\"lines\":[");
	for (int n = 0; n < 1001; n++)
		strbuf_printf(&answers, "%s" GROUP("%d.test", "%d"), n ? "," : "", n, n + 1);
	strbuf_puts(&answers, "],\"last\":false}\n");
	answer_with(strbuf_text(&answers));
	strbuf_release(&answers);
	assert_int_equal(run("top --fleet --json --limit 1", &out), 0);
	assert_non_null(strstr(out, "{\"group\":\"999.test\",\"count\":1000,"));
	assert_non_null(strstr(out, "\"at_least\":true"));
}

#define EXAMPLE(id)                                                                                \
	"\"example\":{\"queue_id\":\"" id                                                          \
	"\",\"address\":\"u@b.test\",\"delay_reason\":\"no \\u001b[2J\"}"
#define REASON(count, messages, id, domains)                                                       \
	"{\"reason\":\"no\",\"recipients\":" count ",\"messages\":" messages                       \
	"," EXAMPLE(id) ",\"domains\":[" domains "]}"
#define DOMAIN(name, count) "{\"domain\":" name ",\"recipients\":" count "}"

/* A reason has the example of the host with most of it, and the domains of all hosts. */
static void test_why(void **state)
{
	static const char mx1[] =
	    REASON("3", "2", "4A", DOMAIN("\"b.test\"", "2") "," DOMAIN("\"a.test\"", "1"));
	static const char mx2[] = REASON("5", "5", "4B",
	    DOMAIN("\"b.test\"", "5") "," DOMAIN("7", "5") "," DOMAIN("\"c.test\"", "-5"));
	char answers[2048], *out;

	(void)state;
	snprintf(answers, sizeof(answers), "%s" LINES("%s", "true") LINES("%s,%s", "true"),
	    CONNECTED PLACED RESULTS(LOOKED("mx1", "1") "," LOOKED("mx2", "2")), mx1, mx2,
	    "{\"reason\":\"odd\",\"recipients\":1}");
	answer_with(answers);
	assert_int_equal(run("why --fleet --json", &out), 0);
	assert_non_null(
	    strstr(out, "{\"reason\":\"no\",\"recipients\":8,\"messages\":7,\"hosts\":2,"
			"\"example\":{\"host\":\"mx2\",\"queue_id\":\"4B\","));
	assert_non_null(strstr(out,
	    "\"domains\":[{\"domain\":\"b.test\",\"recipients\":7},{\"domain\":\"a.test\","
	    "\"recipients\":1}]}"));
	assert_non_null(strstr(out, "{\"reason\":\"odd\",\"recipients\":1,"));
	answer_with(answers);
	assert_int_equal(run("why --fleet", &out), 0);
	assert_non_null(strstr(out, "on 2 hosts in 7 messages; b.test 7, a.test 1"));
	assert_non_null(strstr(out, "e.g. on mx2 4B to u@b.test: no"));
	assert_null(strchr(out, '\033'));
}

#define FLOOD(key) "{\"kind\":\"login\",\"key\":\"" key "\",\"recipients\":5}"
#define HOST(name, floods)                                                                         \
	"{\"name\":\"" name "\",\"state\":\"present\",\"health\":{\"floods\":[" floods "]}}"

/* A key on several hosts is reported once, however often one of them repeats it. */
static void test_floods(void **state)
{
	char *out;

	(void)state;
	answer_with(CONNECTED "{\"ok\":true,\"hosts\":[" HOST(
	    "a", FLOOD("joe") "," FLOOD("jim")) "," HOST("b",
	    FLOOD("ann") "," FLOOD("joe")) "," HOST("c", FLOOD("liar") "," FLOOD("liar")) "]}\n");
	assert_int_equal(run("fleet hosts", &out), 0);
	out = read_file(errors);
	assert_non_null(strstr(out, "login joe floods on 2 hosts: 10 recipients in all"));
	assert_null(strstr(out, "jim"));
	assert_null(strstr(out, "liar"));
}

static void test_hanging_link(void **state)
{
	const int64_t began = clock_steady();
	char *out;

	(void)state;
	write_file(program,
	    "#!/bin/sh\nread line\necho '{\"error\":\"connect\",\"text\":\"x\"}'\n"
	    "exec sleep 300\n",
	    0755);
	assert_int_equal(run("purge --fleet -y example.com", &out), 1);
	assert_true(clock_steady() - began < 120 * USEC_PER_SEC);
}

static void test_no_link(void **state)
{
	char *out;

	(void)state;
	unlink(program);
	assert_int_equal(run("purge --fleet -y example.com", &out), 1);
	assert_non_null(strstr(read_file(errors), "pqpurge-fleet"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_exits),
	    cmocka_unit_test(test_unknown), cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_rules), cmocka_unit_test(test_rule_of_one_fleet),
	    cmocka_unit_test(test_unblock), cmocka_unit_test(test_unblock_without_answer),
	    cmocka_unit_test(test_placed_nowhere), cmocka_unit_test(test_unreachable),
	    cmocka_unit_test(test_undo), cmocka_unit_test(test_top),
	    cmocka_unit_test(test_too_many_groups), cmocka_unit_test(test_why),
	    cmocka_unit_test(test_floods), cmocka_unit_test(test_hanging_link),
	    cmocka_unit_test(test_no_link)};

	return cmocka_run_group_tests(tests, make_link, clear_link);
}
