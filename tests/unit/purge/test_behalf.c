/* SPDX-License-Identifier: ISC */
/* The command lines that another user may give: verbs by operator_allow, options by a list. */
#include <errno.h>

#include "tests/unit/unit.h"

#include "purge/door/behalf.h"
#include "purge/session.h"

#define WORDS_MAX 16

/* The result of behalf_check for a line, which is split at blanks. */
static int check(const char *allow, const char *line, struct err *err)
{
	struct behalf behalf = {.uid = 5,
	    .user = "games",
	    .config = "/root's",
	    .allow = allow,
	    .allow_key = "operator_allow"};
	char text[256], *rest = NULL, *argv[WORDS_MAX] = {(char[]){"pqpurge-idx"}};
	struct session s = {0};
	int argc = 1, code;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok_r(text, " ", &rest); word && argc < WORDS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	code = behalf_check_words(&behalf, argc, argv, err);
	if (code == 0)
		code = session_parse(&s, argc, argv, err);
	s.behalf = &behalf;
	if (code == 0)
		code = behalf_check(&s, err);
	if (code == 0)
		assert_string_equal(s.options.config, "/root's");
	session_release(&s);
	return code;
}

static void test_lines(void **state)
{
	static const struct {
		const char *allow, *line;
		int code;
	} cases[] = {
	    {"list hold", "list a.example", 0},
	    {"list,hold", "hold -y --reason=x --login joe", 0},
	    {"list\thold", "hold --client 10.0.0.0/8", 0},
	    {"list hold", "purge -y a.example", ERR_REFUSED},
	    {"list hold", "a.example", ERR_REFUSED}, /* without a verb: purge */
	    {"listing holding", "list", ERR_REFUSED},
	    {"", "list", ERR_REFUSED},
	    {"sync setup order complete", "sync", ERR_REFUSED},
	    {"sync setup order complete", "setup -y", ERR_REFUSED},
	    {"sync setup order complete", "order --listen", ERR_REFUSED},
	    {"sync setup order complete", "complete domains", ERR_REFUSED},
	    {"purge", "purge -y --save=/tmp a.example", ERR_REFUSED},
	    {"purge", "purge -y -c/tmp/x a.example", ERR_REFUSED},
	    {"purge", "purge -yc /tmp/x a.example", ERR_REFUSED},
	    {"purge", "purge -y --id -", ERR_REFUSED},
	    {"purge", "purge -y --id ABC123", 0},
	    {"top", "top --watch", ERR_REFUSED},
	    {"purge", "purge -y --block a.example", ERR_REFUSED},
	    {"purge block", "purge -y --block a.example", 0},
	    {"hold", "hold --for=1h a.example", ERR_REFUSED},
	    {"hold block", "hold --for=1h a.example", 0},
	    {"hold", "hold /./", ERR_REFUSED},
	    {"hold regex", "hold /./", 0},
	    {"hold", "hold --sender /./", ERR_REFUSED},
	    {"hold", "hold --sender=/./", ERR_REFUSED},
	    {"hold", "hold a.example --from /./i", ERR_REFUSED},
	    {"hold", "hold a.example --reason=/etc", 0},
	    {"hold", "hold a.example --reason /etc", 0},
	    {"hold", "hold --reason=x /(/", ERR_REFUSED}, /* not compiled: no error of syntax */
	    {"hold", "hold --subject=/(/", ERR_REFUSED},
	    {"hold", "hold --subject /./", ERR_REFUSED},
	    {"hold", "hold --why=/./", ERR_REFUSED},
	    {"hold", "hold --login /./", ERR_REFUSED},
	    {"hold", "hold --login @a.example", 0},
	    {"hold regex", "hold --subject /./ --why=/./ --login=/./i", 0},
	    {"hold regex", "hold /(/", ERR_USAGE},
	    {"block", "block a.example --text=/etc", 0},
	    {"block", "block login:/./", ERR_REFUSED},
	    {"block", "block client:/./", ERR_REFUSED},
	    {"block", "block client:10.0.0.0/8", 0},
	    {"block", "block /./", ERR_REFUSED},
	    {"block regex", "block /./", 0},
	    {NULL, "purge -y --block /./", 0}, /* root */
	    {"floods", "floods 3", 0},
	    {"floods", "floods --bad 3", 0},
	    {"floods", "floods --normal 3", ERR_REFUSED},
	    {"floods release", "floods --normal 3", 0},
	    {"floods", "floods --try /var/log/mail.log", ERR_REFUSED},
	    {"floods", "floods --learn /etc/shadow", ERR_REFUSED},
	    {NULL, "setup -y", ERR_REFUSED},
	    {NULL, "purge -y --save=/tmp a.example", ERR_REFUSED},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct err err = {{0}};
		int code = check(cases[n].allow, cases[n].line, &err);

		if (code != cases[n].code)
			case_fail(cases[n].line, "%d, want %d: %s", code, cases[n].code, err.text);
	}
}

/* A new option needs an entry here: whether others may give it. */
static void test_every_option(void **state)
{
	static const char *const roots[] = {"save", "config", "remove", "watch", "listen", "grant",
	    "help", "version", "try", "learn", "fleet", "host", "wait", "expire", "tag", "as",
	    "output"};
	size_t refused = 0;

	(void)state;
	for (size_t n = 0; n < option_row_count; n++) {
		bool is_roots = false;

		for (size_t i = 0; i < COUNT_OF(roots); i++)
			is_roots |= strcmp(option_rows[n].name, roots[i]) == 0;
		refused += !behalf_is_open(option_rows[n].name);
		case_assert(option_rows[n].name, is_roots == !behalf_is_open(option_rows[n].name));
	}
	assert_int_equal(refused, COUNT_OF(roots));
}

/* A new verb of the door needs an entry in the settings, too. */
static void test_every_verb(void **state)
{
	FILE *help = tmpfile();
	char line[256], name[32];
	size_t open = 0;

	(void)state;
	assert_non_null(help);
	verb_help(help, NULL);
	rewind(help);
	while (fgets(line, sizeof(line), help)) {
		const struct verb *verb;
		bool is_name = false, known = false;

		if (sscanf(line, "  %31[a-z] ", name) != 1 ||
		    verb_choose(name, &verb, &is_name, NULL) < 0 || !is_name)
			continue;
		for (const char *const *word = settings_verbs; *word; word++)
			known |= strcmp(*word, name) == 0;
		case_assert(name, known == !!(verb->flags & VERB_AT_DOOR));
		open += known;
	}
	fclose(help);
	for (const char *const *word = settings_verbs; *word; word++)
		open -= strcmp(*word, "regex") != 0;
	assert_int_equal(open, 0);
}

UNIT_MAIN(cmocka_unit_test(test_lines), cmocka_unit_test(test_every_option),
    cmocka_unit_test(test_every_verb))
