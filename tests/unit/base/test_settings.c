/* SPDX-License-Identifier: ISC */
/* Settings: every key as documented, the defaults, and errors that name the line. */
#include "tests/unit/base/settings_fixture.h"

static bool ends_with(const char *text, const char *tail)
{
	return strlen(text) >= strlen(tail) &&
	       strcmp(text + strlen(text) - strlen(tail), tail) == 0;
}

static void test_defaults(void **state)
{
	static const char *const files[] = {"", "\n", "# nothing", "# nothing\n\n", "\r\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct settings s;
		struct err err = {{0}};
		char *text;

		if (load_text(files[i], &s, &err) != 0)
			case_fail(files[i], "%s", err.text);
		text = printed(&s);
		case_assert_text(files[i], text, defaults);
		free(text);
		settings_release(&s);
		assert_null(s.socket);
	}
}

static void check_all_changed(const struct settings *s)
{
	assert_string_equal(s->socket, "inet:8891@127.0.0.1");
	assert_string_equal(s->socket_group, "mail");
	assert_int_equal(s->socket_mode, 0600);
	assert_string_equal(s->policy_socket, "inet:8892@127.0.0.1");
	assert_string_equal(s->user, "nobody");
	assert_string_equal(s->index_directory, "/srv/index");
	assert_string_equal(s->state_directory, "/srv/state");
	assert_int_equal(s->index_map_size, 64 << 20);
	assert_string_equal(s->rules_file, "/srv/rules");
	assert_string_equal(s->postfix_config_directory, "/srv/postfix");
	assert_int_equal(s->postsuper_jobs, 4);
	assert_true(s->log_to_stderr);
	assert_true(s->record_subject);
	assert_int_equal(s->max_recipients, 50);
	assert_string_equal(s->origin, "example.com");
	assert_true(s->login_exact);
	assert_string_equal(s->own_networks, "192.0.2.0/24");
	assert_string_equal(s->order_directory, "/srv/order");
	assert_string_equal(s->standing_directory, "/srv/standing");
	assert_string_equal(s->operator_group, "mail");
	assert_string_equal(s->operator_allow, "list");
	assert_string_equal(s->hook_user, "daemon");
	assert_string_equal(s->fleet, "fleetdb");
	assert_string_equal(s->fleet_name, "mx1");
	assert_string_equal(s->fleet_user, "daemon");
	assert_string_equal(s->fleet_allow, "list");
	assert_int_equal(s->fleet_max_messages, 500);
	assert_int_equal(s->flood_watch, FLOOD_WATCH_ACT);
	assert_string_equal(s->flood_exempt, "login:joe");
	assert_string_equal(s->flood_hook, "/srv/hook");
}

static void test_every_key(void **state)
{
	static const struct {
		const char *key, *value;
	} keys[] = {
	    {"socket", "inet:8891@127.0.0.1"},
	    {"socket_group", "mail"},
	    {"socket_mode", "0600"},
	    {"policy_socket", "inet:8892@127.0.0.1"},
	    {"user", "nobody"},
	    {"index_directory", "/srv/index"},
	    {"index_map_size", "64M"},
	    {"state_directory", "/srv/state"},
	    {"rules_file", "/srv/rules"},
	    {"postfix_config_directory", "/srv/postfix"},
	    {"postsuper_jobs", "4"},
	    {"log", "stderr"},
	    {"record_subject", "true"},
	    {"max_recipients", "50"},
	    {"origin", "example.com"},
	    {"login_case", "exact"},
	    {"own_networks", "192.0.2.0/24"},
	    {"order_directory", "/srv/order"},
	    {"standing_directory", "/srv/standing"},
	    {"operator_group", "mail"},
	    {"operator_allow", "list"},
	    {"hook_user", "daemon"},
	    {"fleet", "fleetdb"},
	    {"fleet_name", "mx1"},
	    {"fleet_user", "daemon"},
	    {"fleet_allow", "list"},
	    {"fleet_max_messages", "500"},
	    {"flood_watch", "act"},
	    {"flood_exempt", "login:joe"},
	    {"flood_hook", "/srv/hook"},
	};
	static const char *const styles[] = {
	    "%s = \"%s\"\n", "%s = %s\n", "%s='%s'\n", "\t%s\t=\t%s\t# why\r\n"};

	(void)state;
	for (size_t style = 0; style < COUNT_OF(styles); style++) {
		char text[4096];
		size_t len = 0;
		struct settings s;
		struct err err = {{0}};

		for (size_t i = 0; i < COUNT_OF(keys); i++)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			len += (size_t)snprintf(text + len, sizeof(text) - len, styles[style],
			    keys[i].key, keys[i].value);
#pragma GCC diagnostic pop
		if (load_text(text, &s, &err) != 0)
			case_fail(styles[style], "%s", err.text);
		check_all_changed(&s);
		settings_release(&s);
	}
}

static void test_values(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* the line that is printed */
	} cases[] = {
	    {"socket_mode = 660", "socket_mode = 0660\n"},
	    {"socket_mode = \"0660\"", "socket_mode = 0660\n"},
	    {"socket_mode = 0", "socket_mode = 0000\n"},
	    {"socket_mode = 0777", "socket_mode = 0777\n"},
	    {"index_map_size = 16m", "index_map_size = \"16M\"\n"},
	    {"index_map_size = 1T", "index_map_size = \"1T\"\n"},
	    {"index_map_size = 16777217", "index_map_size = \"16777217\"\n"},
	    {"index_map_size = 1M", "index_map_size = \"1M\"\n"},
	    {"own_networks = ''", "own_networks = \"\"\n"},
	    {"own_networks = '192.0.2.0/24, [2001:db8::]/32 10.0.0.1'",
		"own_networks = \"192.0.2.0/24, [2001:db8::]/32 10.0.0.1\"\n"},
	    {"record_subject = yes", "record_subject = true\n"},
	    {"record_subject = on", "record_subject = true\n"},
	    {"record_subject = TRUE", "record_subject = true\n"},
	    {"record_subject = no", "record_subject = false\n"},
	    {"record_subject = off", "record_subject = false\n"},
	    {"postsuper_jobs = 64", "postsuper_jobs = 64\n"},
	    {"max_recipients = 1", "max_recipients = 1\n"},
	    {"max_recipients = 100000", "max_recipients = 100000\n"},
	    {"origin = ''", "origin = \"\"\n"},
	    {"origin = 'bücher.example'", "origin = \"bücher.example\"\n"},
	    {"origin = localhost", "origin = \"localhost\"\n"},
	    {"fleet = \"a#b//c d\"", "fleet = \"a#b//c d\"\n"},
	    {"origin = '${HOME}'", "origin = \"\\${HOME}\"\n"},
	    {"policy_socket = ''", "policy_socket = \"\"\n"},
	    {"operator_allow = ''", "operator_allow = \"\"\n"},
	    {"fleet_allow = ',list  hold, regex,'", "fleet_allow = \",list  hold, regex,\"\n"},
	    {"policy_socket = fd:4", "policy_socket = \"fd:4\"\n"},
	    {"socket = fd:3 // comment", "socket = \"fd:3\"\n"},
	    {"flood_exempt = {'login:a b', \"client:192.0.2.0/24\"}",
		"flood_exempt = {\"login:a b\", \"client:192.0.2.0/24\"}\n"},
	    {"flood login {\n count = {10/10m, 20/1h}\n above = 2.5\n act_at = 4\n}\n"
	     "flood domain {\n action = defer\n force = yes\n for = 2h\n}",
		"flood login {\n  count = {\"10/10m\", \"20/1h\"}\n  above = 2.5\n"
		"  act_at = 4\n  for = \"3600s\"\n}\n"
		"flood domain {\n  action = defer\n  for = \"7200s\"\n  force = true\n}\n"},
	    {"flood bounce {\n undelivered = 0/1h\n networks = 9/1d\n senders = 3/60m\n}",
		"  networks = {\"9/1d\"}\n  senders = \"3/1h\"\n  undelivered = \"0/1h\"\n"},
	    {"# ${HOME} \"quoted * + \\8\nuser = nobody", "user = \"nobody\"\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct settings s;
		struct err err = {{0}};
		char *text;

		if (load_text(cases[i].text, &s, &err) != 0)
			case_fail(cases[i].text, "%s", err.text);
		text = printed(&s);
		if (!strstr(text, cases[i].want))
			case_fail(cases[i].text, "want %s in\n%s", cases[i].want, text);
		free(text);
		settings_release(&s);
	}
}

static const struct {
	const char *text;
	const char *want; /* after the file's name */
} complaints[] = {
    {"soket = x", ":1: unknown key 'soket' (did you mean 'socket'?)"},
    {"# one\n\n# two\nindex_dir = /x", ":4: unknown key 'index_dir'"},
    {"user = a\npostsuper_jbos = 1\n",
	":2: unknown key 'postsuper_jbos' (did you mean 'postsuper_jobs'?)"},
    {"commit = sync", ":1: unknown key 'commit'"},
    {"commit_delay = 1s", ":1: unknown key 'commit_delay'"},
    {"commit_timeout = 1s", ":1: unknown key 'commit_timeout'"},
    {"on_index_error = accept", ":1: unknown key 'on_index_error'"},
    {"include(\"/etc/passwd\")", ":1: unknown key 'include'"},
    {"user = a\n\nuser = b", ":3: user is given twice (first in line 1)"},
    {"user = a\nuser = a", ":2: user is given twice (first in line 1)"},
    {"user = \"\"", ":1: user must not be empty"},
    {"user = \"a\\nb\"", ":1: user holds a control character"},
    {"user = no-such-user", ":1: user: there is no user 'no-such-user'"},
    {"\nsocket_group = no-such-group", ":2: socket_group: there is no group 'no-such-group'"},
    {"socket = tcp:1", ":1: socket 'tcp:1': neither unix:/PATH, inet:PORT@HOST nor fd:N"},
    {"index_directory = index", ":1: index_directory must be an absolute path, not 'index'"},
    {"rules_file = rules", ":1: rules_file must be an absolute path, not 'rules'"},
    {"policy_socket = tcp:1", ":1: socket 'tcp:1': neither unix:/PATH, inet:PORT@HOST nor fd:N"},
    {"policy_socket = unix:/a\nsocket = unix:/a", ":1: policy_socket must be another than socket"},
    {"socket_mode = 0680", ":1: socket_mode must be an octal mode such as 0660, not '0680'"},
    {"socket_mode = 01777", ":1: socket_mode must be from 0000 to 0777, not '01777'"},
    {"socket_mode = rw", ":1: socket_mode must be an octal mode such as 0660, not 'rw'"},
    {"index_map_size = 1023k", ":1: index_map_size must be from 1M to 1T, not '1023k'"},
    {"index_map_size = 2T", ":1: index_map_size must be from 1M to 1T, not '2T'"},
    {"index_map_size = big", ":1: index_map_size must be a size such as \"2G\", not 'big'"},
    {"index_map_size = 16777216T",
	":1: index_map_size must be a size such as \"2G\", not '16777216T'"},
    {"index_map_size = 10000000T", ":1: index_map_size must be from 1M to 1T, not '10000000T'"},
    {"state_directory = state", ":1: state_directory must be an absolute path, not 'state'"},
    {"index_directory = /srv/a\nstate_directory = /srv/a/",
	":1: index_directory must be another than state_directory"},
    {"\nindex_directory = /var/lib/pqpurge",
	":2: index_directory must be another than state_directory"},
    {"state_directory = '/run/pqpurge//'",
	":1: state_directory must be another than index_directory"},
    {"login_case = Exact", ":1: login_case must be 'ignore' or 'exact', not 'Exact'"},
    {"own_networks = \"10.0.0.0/8 example.com\"",
	":1: own_networks: 'example.com' is not a network (ADDRESS/BITS)"},
    {"own_networks = 10.0.0.1/8", ":1: own_networks: '10.0.0.1/8' is not a network (ADDRESS/BITS)"},
    {"operator_group = no-such-group", ":1: operator_group: there is no group 'no-such-group'"},
    {"hook_user = no-such-user", ":1: hook_user: there is no user 'no-such-user'"},
    {"\nhook_user = root", ":2: hook_user must not be root"},
    {"operator_allow = 'list, relase'",
	":1: operator_allow cannot allow 'relase'; did you mean 'release'?"},
    {"operator_allow = 'setup'", ":1: operator_allow cannot allow 'setup'"},
    {"user = a\nfleet_allow = 'purge,regexp'",
	":2: fleet_allow cannot allow 'regexp'; did you mean 'regex'?"},
    {"order_directory = order", ":1: order_directory must be an absolute path, not 'order'"},
    {"flood_watch = on", ":1: flood_watch must be 'off', 'warn' or 'act', not 'on'"},
    {"flood_hook = hook", ":1: flood_hook must be an absolute path, not 'hook'"},
    {"flood_exempt = {logins:a}", ":1: flood_exempt must be KIND:KEY, not 'logins:a' "
				  "(kinds: login local sender client domain "
				  "xdomain bounce)"},
    {"flood_exempt = {login:a, 'client:x'}", ":1: flood_exempt: 'x' is not a network"},
    {"flood_exempt = {login:a}\nflood_exempt = {login:b}",
	":2: flood_exempt is given twice (first in line 1)"},
    {"flood {\n}", ":1: missing title for section 'flood'"},
    {"flood logins {\n}", ":2: there is no flood kind 'logins'"},
    {"flood login {\n}\nflood login {\n}", ":3: found duplicate title 'login'"},
    {"flood login {\n abov = 2\n}", ":2: unknown key 'abov' (did you mean 'above'?)"},
    {"flood login {\n above = 2\n above = 3\n}", ":3: above is given twice (first in line 2)"},
    {"flood login {\n above = 0.5\n}", ":2: above must be a number from 1 to 1000, not '0.5'"},
    {"flood login {\n count = {5/10m, 6/5m}\n}",
	":2: count is counted in 10m, 1h and 1d, not in '5m'"},
    {"flood login {\n count = {5/10m, 6/10m}\n}", ":2: count has two values for one time: '6/10m'"},
    {"flood login {\n count = {many}\n}", ":2: count must be such as \"100/1h\", not 'many'"},
    {"flood login {\n action = drop\n}",
	":2: action must be hold, defer, reject or warn, not 'drop'"},
    {"flood login {\n for = 1s\n}", ":2: for must be a time from 1m to 7d, not '1s'"},
    {"flood login {\n held = 2\n}", ":2: held must be true or false, not '2'"},
    {"flood bounce {\n action = hold\n}",
	":3: flood bounce: only warn: a rule would hit bounces that somebody waits for"},
    {"flood domain {\n action = hold\n}",
	":3: flood domain: a rule would hit innocents too; force = true allows it"},
    {"flood login {\n above = 2\n", ":2: a '{' is never closed"},
    {"log = file", ":1: log must be 'syslog' or 'stderr', not 'file'"},
    {"record_subject = 1", ":1: record_subject must be true or false, not '1'"},
    {"max_recipients = 0", ":1: max_recipients must be from 1 to 100000, not '0'"},
    {"max_recipients = -1", ":1: max_recipients must be a number, not '-1'"},
    {"postsuper_jobs = 65", ":1: postsuper_jobs must be from 0 to 64, not '65'"},
    {"origin = \"a b\"", ":1: origin must be a domain, not 'a b'"},
    {"origin = \"a,b.example\"", ":1: origin must be a domain, not 'a,b.example'"},
    {"origin = \"x@a.example\"", ":1: origin must be a domain, not 'x@a.example'"},
    {"origin = \"<a.example>\"", ":1: origin must be a domain, not '<a.example>'"},
    {"origin = \".example\"", ":1: origin must be a domain, not '.example'"},
    {"origin = \" \"", ":1: origin must be a domain, not ' '"},
    {"origin = \"a\n", ":1: the quoted value does not end on its line"},
    {"user = a\norigin = 'a", ":2: the quoted value does not end on its line"},
    {"origin = \"\\8\"", ":1: octal escapes are not supported"},
    {"origin = \"${HOME}\"", ":1: environment variables are not supported"},
    {"user = a\norigin = ${HOME}", ":2: environment variables are not supported"},
    {"rules_file = /etc//rules", ":1: a value that holds // must be quoted"},
    {"rules_file = /etc/r*", ":1: a value that holds + or * must be quoted"},
    {"/* x */ user = a", ":1: comments begin with #"},
    {"user", ": premature end of file"},
    {"user = ", ":1: premature end of file"},
    {"user a", ":1: missing equal sign after option 'user'"},
    {"user = a b = c", ":1: unknown key 'b'"},
    {"user = {a, b}", ":1: unexpected token '{'"},
    {"user += a", ":1: a value that holds + or * must be quoted"},
    {"}", ":1: unexpected closing brace"},
    {"\x1b[2J = x", ":1: unknown key '?[2J'"},
};

static void test_complaints(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(complaints); i++) {
		struct settings s = {.user = path};
		struct err err = {{0}};
		int code = load_text(complaints[i].text, &s, &err);
		char want[300];

		case_assert(complaints[i].text, code == ERR_CONFIG);
		case_assert(complaints[i].text, s.user == path); /* untouched */
		snprintf(want, sizeof(want), "%s%s", path, complaints[i].want);
		if (strncmp(complaints[i].want, ": ", 2) != 0) {
			case_assert_text(complaints[i].text, err.text, want);
		} else if (!ends_with(err.text, complaints[i].want)) {
			case_fail(complaints[i].text, "got '%s'", err.text);
		}
		/* libconfuse's scanner is global: nothing of a bad file may remain in it */
		err.text[0] = '\0';
		if (load_text("origin = \"fine\"\nuser = nobody\n", &s, &err) != 0)
			case_fail(complaints[i].text, "and then: %s", err.text);
		case_assert_text(complaints[i].text, s.origin, "fine");
		settings_release(&s);
	}
}

UNIT_MAIN(IN_DIRECTORY(test_defaults), IN_DIRECTORY(test_every_key), IN_DIRECTORY(test_values),
    IN_DIRECTORY(test_complaints))
