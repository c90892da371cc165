/* SPDX-License-Identifier: ISC */
/* The command line: what it means, and what it refuses. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "postfix/spool/queue.h"
#include "purge/options.h"
#include "purge/verbs.h"

#define WORDS_MAX 12

/* Splits a line at blanks; "''" is an empty word. */
static int split(char *line, char **argv)
{
	int argc = 0;
	char *rest = NULL;

	argv[argc++] = (char[]){"pqpurge-idx"};
	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
	}
	argv[argc] = NULL;
	return argc;
}

/* One command line, parsed; the words must outlive the options. */
struct parsed {
	char line[256], name[16];
	char *argv[WORDS_MAX + 1];
	struct options options;
	const struct verb *verb;
	struct err err;
	int code;
};

static void parse(struct parsed *p, const char *line)
{
	int argc;

	memset(p, 0, sizeof(*p));
	snprintf(p->line, sizeof(p->line), "%s", line);
	argc = split(p->line, p->argv);
	snprintf(p->name, sizeof(p->name), "pqpurge-idx");
	p->argv[0] = p->name;
	p->code = options_parse(argc, p->argv, &p->options, &p->verb, &p->err);
}

static void test_verb(void **state)
{
	static const struct {
		const char *name, *line, *want; /* NULL: refused */
	} cases[] = {
	    {"no verb and a domain", "example.com", "purge"},
	    {"no verb and an address", "a@localhost", "purge"},
	    {"no verb and the null sender", "<>", "purge"},
	    {"no verb and an expression", "/^a/", "purge"},
	    {"no verb and a literal", "[192.0.2.1]", "purge"},
	    {"no verb and a selector", "--sender localhost", "purge"},
	    {"named", "purge example.com", "purge"},
	    {"list", "list", "list"},
	    {"options before the verb", "-c /x --json -n list example.com", "list"},
	    {"a value before the verb is no verb", "--sender list list", "list"},
	    {"a verb after a pattern is no verb", "example.com --sender list", "purge"},
	    {"after two dashes", "-n -- list", "list"},
	    {"a typing error", "purg example.com", NULL},
	    {"upper case", "PURGE example.com", NULL},
	    {"a single label", "localhost", NULL},
	    {"a queue ID", "0AB12CD34EF", NULL},
	    {"an empty word", "'' -n", NULL},
	    {"a verb that does not exist", "explode", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct parsed p;

		parse(&p, cases[i].line);
		if (cases[i].want) {
			case_assert(cases[i].name, p.code == 0);
			case_assert_text(cases[i].name, p.verb->name, cases[i].want);
		} else
			case_assert(cases[i].name, p.code == ERR_USAGE && p.err.text[0]);
		options_release(&p.options);
	}
}

static void test_refused(void **state)
{
	/* name, line, a part of the error */
	static const struct {
		const char *name, *line, *want;
	} cases[] = {
	    {"nothing", "", "needs a pattern"},
	    {"only -y", "-y", "needs a pattern"},
	    {"purge alone", "purge -n", "needs a pattern"},
	    {"hold alone", "hold", "needs a pattern"},
	    {"release alone", "release --foreign", "needs a pattern"},
	    {"limit is no selector", "purge --limit 5", "needs a pattern"},
	    {"subdomains is no selector", "purge --subdomains", "needs a pattern"},
	    {"nearest verb", "lsit", "did you mean 'list'"},
	    {"nearest option", "purge --sendr a.example", "did you mean '--sender'"},
	    {"far option", "purge --frobnicate a.example", "unknown option '--frobnicate'"},
	    {"prefix of an option", "purge --send a.example", "unknown option"},
	    {"unknown letter", "purge -x a.example", "'-x'"},
	    {"unknown letter in a row", "purge -nx a.example", "'-x'"},
	    {"missing value", "purge a.example --reason", "needs a value"},
	    {"swallowed option", "purge a.example --reason --dry-run", "--reason=--dry-run"},
	    {"swallowed letter", "purge a.example --reason -n", "needs a value"},
	    {"empty value", "purge --login=", "empty"},
	    {"empty value in the next word", "purge --id ''", "empty"},
	    {"value where none goes", "purge a.example --yes=no", "takes no value"},
	    {"not of this verb", "list a.example --block",
		"'list' does not take the option '--block'"},
	    {"not of this verb, before it", "--foreign purge a.example",
		"does not take the option '--foreign'"},
	    {"rule option on release", "release a.example --for 2h",
		"does not take the option '--for'"},
	    {"selector on block", "block a.example --older 2h",
		"does not take the option '--older'"},
	    {"age", "purge a.example --older tomorrow", "not an age"},
	    {"negative age", "purge a.example --older=-5m", "not an age"},
	    {"block's age", "purge a.example --block=soon", "not an age"},
	    {"block for no time", "purge a.example --block=0s", "never be in force"},
	    {"size", "purge a.example --larger big", "not a size"},
	    {"limit", "purge a.example --limit 0", "not a number"},
	    {"limit with a tail", "purge a.example --limit 5x", "not a number"},
	    {"queue", "purge a.example --queue nowhere", "nowhere"},
	    {"client", "purge --client 300.1.1.1", "300.1.1.1"},
	    {"client bits", "purge --client 192.0.2.0/40", "192.0.2.0/40"},
	    {"id", "purge --id ../../etc", "not a queue ID"},
	    {"user", "purge --uid no-such-user", "no user 'no-such-user'"},
	    {"uid of nobody", "purge --uid 4294967295", "no user"},
	    {"bounces of a user", "purge --with-bounces --uid root a.example", "--uid"},
	    {"expression", "purge /unclosed(/", "/unclosed(/"},
	    {"second expression", "purge a.example /unclosed(/", "/unclosed(/"},
	    {"single label", "purge localhost", "--sender localhost"},
	    {"login as in a rule", "purge login:joe@a.test", "--login joe@a.test"},
	    {"client as in a rule", "purge client:192.0.2.0/24", "--client 192.0.2.0/24"},
	    {"client as in a rule, alone", "client:192.0.2.1", "--client 192.0.2.1"},
	    {"verb after the pattern", "a.test list", "verb comes first"},
	    {"the verb help", "help", "--help"},
	    {"queue ID as pattern", "purge 0AB12CD34EF", "--id 0AB12CD34EF"},
	    {"verb as pattern", "list purge", "not a pattern"},
	    {"only without recipient", "purge a.example --only", "--recipient"},
	    {"block with recipient", "purge --block --recipient a.example", "--recipient"},
	    {"sweep with limit", "purge a.example --sweep --limit 5", "--limit"},
	    {"waiting for one host", "purge a.example --wait 1m", "'--fleet'"},
	    {"expiry for one host", "list --expire 1d", "'--fleet'"},
	    {"both marks", "floods --normal 1 --bad 1", "'--normal' or '--bad'"},
	    {"a mark and logs", "floods --learn --bad 1 mail.log", "'--bad'"},
	    {"action", "block a.example --action EXPLODE", "not an action"},
	    {"block nothing", "block", "at least one pattern"},
	    {"show nothing", "show", "at least one queue ID"},
	    {"word for rules", "rules a.example", "does not take the word"},
	    {"an option of the past", "purge --scan a.example", "unknown option '--scan'"},
	    {"and of sync", "sync --add", "unknown option '--add'"},
	    {"the queue decides", "purge a.example --index-only",
		"'purge' does not take the option '--index-only'"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct parsed p;

		parse(&p, cases[i].line);
		case_assert(cases[i].name, p.code == ERR_USAGE);
		if (!strstr(p.err.text, cases[i].want))
			case_fail(cases[i].name, "'%s' is not in '%s'", cases[i].want, p.err.text);
		options_release(&p.options);
	}
}

static void test_flags(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "-nyq -cFILE a.example --json --sweep --all --reason=x=y");
	assert_int_equal(p.code, 0);
	assert_true(p.options.dry_run && p.options.yes && p.options.quiet && p.options.json);
	assert_true(p.options.sweep && p.options.selector.all && !p.options.block);
	assert_string_equal(p.options.config, "FILE");
	assert_string_equal(p.options.reason, "x=y");
	options_release(&p.options);

	parse(&p, "a.example");
	assert_true(!p.options.dry_run && !p.options.yes && !p.options.quiet && !p.options.json);
	assert_null(p.options.config);
	assert_string_equal(p.options.reason, "");
	assert_int_equal(p.options.action, RULE_REJECT);
	options_release(&p.options);
}

/* The selecting words, in one form whatever their order on the line. */
static void test_selected(void **state)
{
	static const struct {
		const char *name, *line, *want;
	} cases[] = {
	    {"patterns", "hold -n b.example a.example --reason x", "b.example a.example"},
	    {"options first, as the table has them", "a.example --login joe --sender=b.example",
		"--sender=b.example --login=joe a.example"},
	    {"without a value", "--all --limit 5 -y", "--all"},
	    {"batches", "undo 17", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct parsed p;

		parse(&p, cases[i].line);
		case_assert(cases[i].name, p.code == 0);
		case_assert_text(cases[i].name, strbuf_text(&p.options.selected), cases[i].want);
		options_release(&p.options);
	}
}

static void test_index_only(void **state)
{
	static const char *const lines[] = {"list --index-only", "top --index-only",
	    "why --index-only a.example", "show --index-only 0AB12CD34EF"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct parsed p;

		parse(&p, lines[i]);
		case_assert(lines[i], p.code == 0 && p.options.index_only);
		options_release(&p.options);
	}
}

static void test_block_value(void **state)
{
	struct parsed p;

	(void)state;
	/* Its value needs '=': the next word is a pattern. */
	parse(&p, "purge --block a.example");
	assert_int_equal(p.code, 0);
	assert_true(p.options.block && p.options.block_for == 0);
	assert_int_equal(p.options.selector.author.count, 1);
	options_release(&p.options);

	parse(&p, "purge a.example --block=24h");
	assert_true(p.options.block && p.options.block_for == 24 * 3600 * USEC_PER_SEC);
	options_release(&p.options);
}

static void test_selectors(void **state)
{
	struct parsed p;
	const struct selector *s = &p.options.selector;

	(void)state;
	parse(&p, "a.example .b.example --sender c --from d --recipient e --only");
	assert_int_equal(p.code, 0);
	assert_int_equal(s->author.count, 2);
	assert_int_equal(s->author.list[0].kind, PATTERN_DOMAIN);
	assert_int_equal(s->author.list[1].kind, PATTERN_SUBDOMAINS);
	assert_int_equal(s->sender.count, 1);
	assert_int_equal(s->from.count, 1);
	assert_int_equal(s->recipient.count, 1);
	assert_true(s->only);
	options_release(&p.options);

	parse(&p, "--subdomains a.example --from d.example x@e.example");
	assert_int_equal(s->author.list[0].kind, PATTERN_WITHIN);
	assert_int_equal(s->author.list[1].kind, PATTERN_ADDRESS);
	assert_int_equal(s->from.list[0].kind, PATTERN_WITHIN);
	options_release(&p.options);

	parse(&p, "--queue hold --queue deferred,active --client 192.0.2.0/24 --client ::1");
	assert_int_equal(s->queues, QUEUE_HOLD | QUEUE_DEFERRED | QUEUE_ACTIVE);
	assert_int_equal(s->clients.count, 2);
	options_release(&p.options);

	parse(&p, "--uid root --uid 1234");
	assert_int_equal(p.code, 0);
	assert_int_equal(s->uids.count, 2);
	assert_int_equal(s->uids.list[0], 0);
	assert_int_equal(s->uids.list[1], 1234);
	options_release(&p.options);

	parse(&p, "--id -");
	assert_int_equal(p.code, 0);
	assert_true(p.options.ids_from_stdin && s->ids_given && s->ids.count == 0);
	options_release(&p.options);
}

static int64_t some_time(void)
{
	return INT64_C(1000000) * USEC_PER_SEC;
}

/* Repeated ages and sizes are alternatives: the laxer one counts. */
static void test_ages(void **state)
{
	static const struct {
		const char *name, *line;
		int64_t before, after, larger;
	} cases[] = {
	    {"none", "a.example", 0, 0, -1},
	    {"older", "--older 90s", 999910, 0, -1},
	    {"older twice", "--older 90s --older 10s --older 50s", 999990, 0, -1},
	    {"newer twice", "--newer 10s --newer 90s --newer 50s", 0, 999910, -1},
	    {"both", "--older 1m --newer 1h", 999940, 996400, -1},
	    {"larger twice", "--larger 1M --larger 2k --larger 10M", 0, 0, 2048},
	};

	(void)state;
	clock_inject(some_time, NULL);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct parsed p;
		const struct selector *s = &p.options.selector;

		parse(&p, cases[i].line);
		case_assert(cases[i].name, p.code == 0);
		case_assert(cases[i].name, s->arrived_before == cases[i].before * USEC_PER_SEC);
		case_assert(cases[i].name, s->arrived_after == cases[i].after * USEC_PER_SEC);
		case_assert(cases[i].name, s->larger_than == cases[i].larger);
		options_release(&p.options);
	}
	clock_inject(NULL, NULL);
}

/* Longer than there is time: no mail is older and all mail is newer. Never "not given". */
static void test_age_before_the_epoch(void **state)
{
	struct parsed p;

	(void)state;
	clock_inject(some_time, NULL);
	parse(&p, "--older 50w --newer 50w");
	assert_int_equal(p.code, 0);
	assert_int_equal(p.options.selector.arrived_before, 1);
	assert_int_equal(p.options.selector.arrived_after, 1);
	options_release(&p.options);
	clock_inject(NULL, NULL);
}

static void test_help(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "--help");
	assert_true(p.code == 0 && p.options.help && !p.verb);
	options_release(&p.options);
	parse(&p, "list --help");
	assert_true(p.code == 0 && p.options.help);
	assert_string_equal(p.verb->name, "list");
	options_release(&p.options);
	parse(&p, "nonsense -h");
	assert_true(p.code == 0 && p.options.help && !p.verb);
	options_release(&p.options);
	parse(&p, "purge -V");
	assert_true(p.code == 0 && p.options.version);
	options_release(&p.options);
}

static void test_words(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "block login:joe --for 2h localhost client:192.0.2.0/24");
	assert_int_equal(p.code, 0);
	assert_int_equal(p.options.word_count, 3);
	assert_string_equal(p.options.words[0], "login:joe");
	assert_string_equal(p.options.words[2], "client:192.0.2.0/24");
	assert_int_equal(p.options.selector.author.count, 0);
	options_release(&p.options);
}

/* Many letters must not overflow the table of letters. */
static void test_many_letters(void **state)
{
	char letters[200] = "-";
	char *argv[] = {(char[]){"x"}, letters, (char[]){"a.example"}, NULL};
	struct options o;
	const struct verb *verb;

	(void)state;
	memset(letters + 1, 'n', sizeof(letters) - 2);
	letters[sizeof(letters) - 1] = '\0';
	assert_int_equal(options_parse(3, argv, &o, &verb, NULL), 0);
	assert_true(o.dry_run);
	options_release(&o);
}

/* Every row can be given and belongs to a verb; help fits a terminal of 80 columns. */
static void test_table(void **state)
{
	static const char *const verbs[] = {NULL, "purge", "hold", "release", "undo", "retry",
	    "list", "show", "top", "screen", "why", "sync", "status", "setup", "block", "unblock",
	    "rules", "log"};

	(void)state;
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		case_assert(
		    row->name, (row->argument == ARGUMENT_NONE) == (!row->set && !row->set_more));
		case_assert(
		    row->name, (row->argument == ARGUMENT_NONE) == (row->value_name == NULL));
		case_assert(row->name, row->groups != 0 && *row->help);
	}
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		char *text = NULL, *rest = NULL;
		size_t len = 0;
		FILE *to = open_memstream(&text, &len);
		const struct verb *verb = NULL;
		bool is_name;

		if (verbs[i])
			assert_int_equal(verb_choose(verbs[i], &verb, &is_name, NULL), 0);
		verb_help(to, verb);
		fclose(to);
		assert_true(len > 200);
		for (char *line = strtok_r(text, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest))
			case_assert(line, strlen(line) <= 80);
		free(text);
	}
}

UNIT_MAIN(cmocka_unit_test(test_verb), cmocka_unit_test(test_refused), cmocka_unit_test(test_flags),
    cmocka_unit_test(test_block_value), cmocka_unit_test(test_selectors),
    cmocka_unit_test(test_ages), cmocka_unit_test(test_age_before_the_epoch),
    cmocka_unit_test(test_help), cmocka_unit_test(test_words), cmocka_unit_test(test_many_letters),
    cmocka_unit_test(test_selected), cmocka_unit_test(test_index_only),
    cmocka_unit_test(test_table))
