/* SPDX-License-Identifier: ISC */
/* The command's side of a fleet order: the spec, and the sums over many hosts. */
#include "tests/unit/unit.h"

#include "purge/fleet/fleet_spec.h"
#include "purge/fleet/fleet_sums.h"
#include "purge/session.h"

#define WORDS_MAX 24

/* The line is split at blanks. NULL: refused. */
static int spec_of(const char *line, struct strbuf *ret, struct err *err)
{
	char text[512], *rest = NULL, *argv[WORDS_MAX] = {(char[]){"pqpurge-idx"}};
	struct json *spec = NULL;
	struct session s;
	int argc = 1, code;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok_r(text, " ", &rest); word && argc < WORDS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	code = session_parse(&s, argc, argv, err);
	if (code == 0)
		code = fleet_spec(&s.options, &spec, err);
	if (code == 0)
		code = json_write(ret, spec);
	session_release(&s);
	return code;
}

static void test_spec(void **state)
{
	static const struct {
		const char *line, *spec; /* NULL: refused */
	} cases[] = {
	    {"purge --fleet Example.COM", "{\"v\":1,\"author\":[\"example.com\"]}"},
	    {"purge --fleet --subdomains example.com",
		"{\"v\":1,\"author\":[\"example.com\"],\"subdomains\":true}"},
	    {"purge --host mx1,@edge --sender A@Example.com --login joe --login /^x/",
		"{\"v\":1,\"sender\":[\"a@example.com\"],\"login\":[\"joe\",\"/^x/\"]}"},
	    {"purge --fleet --client 10.0.0.0/8 --client ::1",
		"{\"v\":1,\"client\":[\"10.0.0.0/8\",\"::1\"]}"},
	    {"purge --fleet /X+@y/i --older 1h --older 10m --newer 2h --newer 3h --larger 2k "
	     "--limit 5",
		"{\"v\":1,\"author\":[\"/X+@y/i\"],\"larger\":2048,\"limit\":5,"
		"\"older_s\":"
		"600,\"newer_s\":10800}"},
	    {"purge --fleet --all -y --reason x --sweep --wait 10s --expire 2h",
		"{\"v\":1,\"all\":true,\"sweep\":true}"},
	    {"hold --fleet --queue deferred --queue hold,active",
		"{\"v\":1,\"queue\":\"active,deferred,hold\"}"},
	    {"hold --fleet --queue deferred,active --only --recipient <>",
		"{\"v\":1,\"recipient\":[\"<>\"],\"queue\":\"active,deferred\",\"only\":"
		"true}"},
	    {"hold --fleet --subject /^a\\/b/i --why /x/ --why /y/ --login @Example.com",
		"{\"v\":1,\"login\":[\"@Example.com\"],\"subject\":[\"/^a\\\\/b/i\"],"
		"\"why\":[\"/x/\",\"/y/\"]}"},
	    {"top --fleet --by login --since 1h", "{\"v\":1,\"newer_s\":3600,\"by\":\"login\"}"},
	    {"top --fleet --newer 1d --since 1h --since 2h", "{\"v\":1,\"newer_s\":7200}"},
	    {"top --fleet --since 1d --newer 1h", "{\"v\":1,\"newer_s\":3600}"},
	    {"purge --fleet=east,west example.com", "{\"v\":1,\"author\":[\"example.com\"]}"},
	    {"purge --fleet= example.com", NULL},
	    {"purge --fleet=host=a example.com", NULL},
	    {"purge --fleet=a --fleet=b example.com", NULL},
	    {"purge --fleet --save /tmp example.com", NULL},
	    {"purge --fleet --for 1h example.com", NULL},
	    {"purge --fleet --flood 3", NULL},
	    {"purge --fleet --id -", NULL},
	    {"purge --fleet", NULL},
	    {"purge --host mx1;id example.com", NULL},
	    {"sync --fleet", NULL},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct strbuf spec = {0};
		struct err err = {{0}};
		int code = spec_of(cases[n].line, &spec, &err);

		if ((code == 0) != (cases[n].spec != NULL))
			case_fail(cases[n].line, "%d %s", code, err.text);
		if (cases[n].spec) {
			spec.text[spec.len - 1] = '\0'; /* the newline */
			case_assert_text(cases[n].line, spec.text, cases[n].spec);
		}
		strbuf_release(&spec);
	}
}

static void test_token(void **state)
{
	char a[FLEET_TOKEN_SIZE], b[FLEET_TOKEN_SIZE];

	(void)state;
	assert_int_equal(fleet_token(a, NULL), 0);
	assert_int_equal(fleet_token(b, NULL), 0);
	assert_int_equal(strlen(a), 36);
	assert_string_not_equal(a, b);
	assert_true(a[8] == '-' && a[13] == '-' && a[14] == '4' && a[18] == '-' && a[23] == '-');
}

static void add(struct fleet_sums *sums, const char *text)
{
	struct json *line = NULL;
	struct fleet_group *group;

	assert_int_equal(json_parse(text, strlen(text), &line, NULL), 0);
	assert_int_equal(fleet_sums_add(sums, "group", "count", line, &group), 0);
	json_free(line);
}

static void test_sums(void **state)
{
	struct fleet_sums sums = {0};

	(void)state;
	fleet_sums_close(&sums);
	add(&sums, "{\"group\":\"b\",\"count\":5,\"bytes\":10,\"oldest\":20,\"newest\":30,\"ages\":"
		   "[1,4]}");
	add(&sums, "{\"group\":\"a\",\"count\":7,\"bytes\":1,\"oldest\":5,\"newest\":6}");
	add(&sums,
	    "{\"group\":\"b\",\"count\":4,\"bytes\":2,\"oldest\":10,\"newest\":25,\"ages\":[2,2]}");
	/* A lying host's nonsense counts for nothing. */
	add(&sums, "{\"group\":\"b\",\"count\":-4}");
	add(&sums, "{\"group\":7,\"count\":4}");
	add(&sums, "{\"count\":9223372036854775807,\"group\":\"b\"}");
	add(&sums, "{}");
	fleet_sums_close(&sums);
	assert_int_equal(sums.count, 2);
	assert_true(sums.all == 16);
	assert_string_equal(sums.list[0].name, "b");
	assert_true(sums.list[0].count == 9 && sums.list[0].bytes == 12 && sums.list[0].hosts == 2);
	assert_true(sums.list[0].oldest == 10 && sums.list[0].newest == 30);
	assert_true(sums.list[0].ages[0] == 3 && sums.list[0].ages[1] == 6);
	assert_string_equal(sums.list[1].name, "a");
	fleet_sums_release(&sums);
}

UNIT_MAIN(cmocka_unit_test(test_spec), cmocka_unit_test(test_token), cmocka_unit_test(test_sums))
