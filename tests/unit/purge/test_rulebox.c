/* SPDX-License-Identifier: ISC */
/* All rules as the command sees them: from the files, from a daemon, from a daemon that lies. */
#include "tests/unit/purge/rules_fixture.h"

#include "base/io.h"
#include "purge/rules/rulebox.h"

static struct rulebox read_box(const struct fixture *f, const struct rulebox_question *question)
{
	struct rulebox box;
	struct err err = {{0}};

	if (rulebox_read(&f->client, WALL, question, &box, &err) != 0)
		fail_msg("%s", err.text);
	return box;
}

/* The daemon's rules in force: those of the files, and one that is in no file. */
static struct json *answer_rules(const struct json *request)
{
	static const char *const lines[] = {"unsaved.example REJECT", "/spam[0-9]/ HOLD",
	    "bad.example REJECT", "warn.example WARN"};
	struct rule_list command = {0}, file = {0};
	struct json *reply = ok();
	struct rules_view view = {.rules_file = "/rules", .wall = WALL};
	struct rule r;

	for (size_t i = 0; i < COUNT_OF(lines); i++)
		if (rule_parse(lines[i], &r, NULL) != 0 || rule_list_add(&command, &r) != 0)
			_exit(2);
	if (rules_file_parse("rules", "file.example DEFER\n/1@file/ OK\n", 31, &file, NULL) != 0)
		_exit(3);
	view.set = ruleset_new(&file, &command, false);
	if (rules_answer(&view, request, reply, NULL, NULL) != 0)
		_exit(4);
	json_put_text(reply, "rules_error", "/rules:2: the daemon says so");
	json_put_text(reply, "rules_stored_error", "it cannot be saved");
	ruleset_unref(view.set);
	return reply;
}

static void write_files(const struct fixture *f)
{
	write_text(f->file, "# file\nfile.example DEFER\n/1@file/ OK\n");
	write_text(f->stored,
	    "/spam[0-9]/ HOLD ; at=1764000000 by=root reason=x\n"
	    "old.example REJECT ; until=1763999999\n"
	    "bad.example REJECT ; until=1764000001\nwarn.example WARN\nrubbish\n");
	write_text(f->hits, "7 command bad.example\n5 file file.example\n");
}

static void test_files(void **state)
{
	struct fixture *f = *state;

	write_files(f);
	struct rulebox box = read_box(f, NULL);
	const struct strlist damage = strlist_of(&box.damage);
	assert_false(box.by_daemon);
	assert_int_equal(box.command.count, 3);
	assert_string_equal(box.command.list[0].subject, "/spam[0-9]/");
	assert_null(box.command.list[0].regex);
	assert_string_equal(box.command.list[0].author, "root");
	assert_true(box.command.list[0].set_time == WALL);
	assert_string_equal(box.command.list[1].subject, "bad.example");
	assert_int_equal(box.command.list[1].hits, 7);
	assert_true(box.command.list[1].expires == WALL + USEC_PER_SEC);
	assert_int_equal(box.file.count, 2);
	assert_int_equal(box.file.list[0].hits, 5);
	assert_int_equal(box.file.list[0].line, 2);
	assert_int_equal(box.damaged, 1);
	assert_non_null(strstr(damage.first, "rules:5:"));
	assert_null(box.decides.subject);
	rulebox_release(&box);
}

static void test_daemon(void **state)
{
	struct fixture *f = *state;

	write_files(f);
	start_daemon(f, answer_rules);
	struct rulebox box = read_box(f, NULL);
	assert_true(box.by_daemon);
	assert_int_equal(box.command.count, 4);
	assert_string_equal(box.command.list[0].subject, "unsaved.example");
	assert_int_equal(box.file.count, 2);
	assert_int_equal(box.file.list[1].line, 2);
	assert_string_equal(box.broken.text, "/rules:2: the daemon says so");
	assert_string_equal(box.unsaved.text, "it cannot be saved");
	rulebox_release(&box);
}

static struct ruleset *many_rules;

static void make_many_rules(void)
{
	struct rule_list rules = {0};
	struct rule r;

	for (unsigned i = 0; i < 60000; i++) {
		char line[64];

		snprintf(line, sizeof(line), "d%u.example REJECT some words", i);
		assert_int_equal(rule_parse(line, &r, NULL), 0);
		assert_int_equal(rule_list_add(&rules, &r), 0);
	}
	many_rules = ruleset_new(NULL, &rules, false);
}

/* In memory files, part by part. */
static struct json *answer_much(const struct json *request)
{
	struct rules_view view = {.rules_file = "/rules", .wall = WALL, .set = many_rules};
	struct json *reply = ok(), *rest = ok();
	struct strbuf text = {0};

	if (rules_answer(&view, request, reply, NULL, NULL) != 0 || json_write(&text, reply) != 0)
		_exit(3);
	answer_file = io_sealed(text.text, text.len);
	json_put_int(rest, "bytes", (int64_t)text.len);
	strbuf_release(&text);
	return rest;
}

static void test_many_rules(void **state)
{
	struct fixture *f = *state;

	make_many_rules(); /* before the daemon, which must answer in time */
	start_daemon(f, answer_much);
	struct rulebox box = read_box(f, NULL);
	assert_int_equal(box.command.count, 60000);
	assert_string_equal(box.command.list[59999].subject, "d59999.example");
	rulebox_release(&box);
	ruleset_unref(many_rules);
}

/* The deciding rule is found by a process that may compile expressions. */
static void test_deciding(void **state)
{
	static const struct {
		const char *address, *decides, *warned;
	} rows[] = {
	    {"a@bad.example", "bad.example", NULL},
	    {"spam1@x.example", "/spam[0-9]/", NULL},
	    {"a@file.example", "file.example", NULL},
	    {"a1@file.test", "/1@file/", NULL},
	    {"spam1@warn.example", "/spam[0-9]/", "warn.example"},
	    {"a@good.example", NULL, NULL},
	    {"a@old.example", NULL, NULL},
	};
	struct fixture *f = *state;

	write_files(f);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			struct address address;
			const struct ruleset_query query = {.address = &address, .wall = WALL};
			const struct rulebox_question question = {.query = &query};

			address_envelope(rows[i].address, NULL, &address);
			struct rulebox box = read_box(f, &question);
			case_assert(rows[i].address, box.by_daemon == (turn == 1));
			case_assert_text(rows[i].address,
			    box.decides.subject ? box.decides.subject : "-",
			    rows[i].decides ? rows[i].decides : "-");
			case_assert_text(rows[i].address,
			    box.warned.subject ? box.warned.subject : "-",
			    rows[i].warned ? rows[i].warned : "-");
			case_assert(rows[i].address, box.command.count == 0);
			rulebox_release(&box);
		}
		if (turn == 0)
			start_daemon(f, answer_rules);
	}
}

static void test_login_and_client(void **state)
{
	struct fixture *f = *state;
	struct address address;
	struct net_address client;
	struct ruleset_query query = {
	    .address = &address, .login = "JOE@bad.example", .wall = WALL};
	const struct rulebox_question question = {.query = &query};
	struct rulebox box;

	write_text(f->stored, "login:@bad.example REJECT\nclient:2001:db8::/32 HOLD\n");
	address_envelope("", NULL, &address);
	assert_int_equal(net_parse("2001:db8::1", &client), 0);
	box = read_box(f, &question);
	assert_string_equal(box.decides.subject, "login:@bad.example");
	rulebox_release(&box);
	query.login = NULL;
	query.client = &client;
	box = read_box(f, &question);
	assert_string_equal(box.decides.subject, "client:2001:db8::/32");
	rulebox_release(&box);
}

static void test_outranking(void **state)
{
	struct fixture *f = *state;
	struct rule_list blocked = {0};
	const struct rulebox_question question = {.blocked = &blocked};
	struct rule r;

	assert_int_equal(rule_make("bad.example", RULE_REJECT, NULL, &r, NULL), 0);
	assert_int_equal(rule_list_add(&blocked, &r), 0);
	assert_int_equal(rule_make(".example", RULE_OK, NULL, &r, NULL), 0); /* stops nothing */
	assert_int_equal(rule_list_add(&blocked, &r), 0);
	write_text(f->file, "file@bad.example OK\n");
	struct rulebox box = read_box(f, &question);
	assert_int_equal(box.outranking_count, 1);
	assert_string_equal(box.passing.list[0].subject, "file@bad.example");
	assert_ptr_equal(box.blocked[0], &blocked.list[0]);
	rulebox_release(&box);

	write_text(f->stored, "a@bad.example OK\nb@bad.example OK\nc@bad.example OK\n"
			      "d@bad.example OK\nx@other.example OK\n");
	box = read_box(f, &question);
	assert_int_equal(box.outranking_count, 5);
	assert_string_equal(box.passing.list[0].subject, "a@bad.example");
	assert_string_equal(box.passing.list[4].subject, "file@bad.example");
	rulebox_release(&box);

	write_text(f->file, "file@bad.example OK\nmore@bad.example OK\n");
	box = read_box(f, &question);
	assert_int_equal(box.outranking_count, 6);
	assert_int_equal(box.passing.count, 5);
	rulebox_release(&box);
	rule_list_release(&blocked);
}

static void test_wrong_file(void **state)
{
	struct fixture *f = *state;

	write_text(f->file, "what is this\n");
	write_text(f->stored, "bad.example REJECT\n");
	struct rulebox box = read_box(f, NULL);
	assert_non_null(strstr(box.broken.text, "rules:1:"));
	assert_int_equal(box.file.count, 0);
	assert_int_equal(box.command.count, 1);
	rulebox_release(&box);
}

/* Neither the directory nor the file exists: no rules. */
static void test_nothing_there(void **state)
{
	struct fixture *f = *state;
	struct err err = {{0}};
	struct rulebox box;

	rmdir(f->state);
	rmdir(f->index);
	box = read_box(f, NULL);
	assert_int_equal(box.command.count + box.file.count, 0);
	rulebox_release(&box);
	write_text(f->file, "file.example OK\n");
	box = read_box(f, NULL);
	assert_int_equal(box.file.count, 1);
	rulebox_release(&box);
	/* An unreadable file is not the same as no rules. */
	assert_int_equal(mkdir(f->state, 0700), 0);
	assert_int_equal(mkdir(f->stored, 0700), 0);
	assert_true(rulebox_read(&f->client, WALL, NULL, &box, &err) < 0);
	rulebox_release(&box);
	rmdir(f->stored);
}

static struct json *hang(const struct json *request)
{
	(void)request;
	pause();
	return NULL;
}

/* Says that the daemon does not answer, and reads the files. */
static void test_silent_daemon(void **state)
{
	struct fixture *f = *state;
	int64_t begun = clock_steady();

	write_files(f);
	start_daemon(f, hang);
	struct rulebox box = read_box(f, NULL);
	assert_false(box.by_daemon);
	assert_true(box.silent.text[0]);
	assert_int_equal(box.command.count, 3);
	rulebox_release(&box);
	assert_true(clock_steady() - begun < 10 * USEC_PER_SEC);
}

/* ---- a daemon that root must not believe */

static struct json *with_rule(const char *pattern, const char *action, const char *origin)
{
	struct json *o = ok(), *list = json_new_array(), *rule = json_new();

	json_put_text(rule, "pattern", pattern);
	json_put_text(rule, "action", action);
	json_put_text(rule, "origin", origin);
	json_append(list, rule);
	json_put(o, "rules", list);
	return o;
}

static struct json *in_a_circle(const struct json *request)
{
	struct json *o = ok(), *list = json_new_array();

	for (int n = 0; n < RULES_PAGE; n++) {
		struct json *rule = json_new();

		json_put_text(rule, "pattern", "a.example");
		json_put_text(rule, "action", "OK");
		json_put_text(rule, "origin", "command");
		json_append(list, rule);
	}
	json_put(o, "rules", list);
	json_put_int(o, "next", json_int(request, "from", 0) ? 1 : 2);
	return o;
}

static struct json *pages_of_nothing(const struct json *request)
{
	struct json *o = with_rule("a.example", "OK", "command");

	json_put_int(o, "next", json_int(request, "from", 0) + 1);
	return o;
}

static struct json *bad_action(const struct json *request)
{
	(void)request;
	return with_rule("a.example", "SHOOT", "command");
}

static struct json *bad_text(const struct json *request)
{
	(void)request;
	return with_rule("a\033[2J", "OK", "command");
}

static struct json *no_line(const struct json *request)
{
	(void)request;
	return with_rule("a.example", "OK", "file");
}

static struct json *what_was_not_asked(const struct json *request)
{
	struct json *o = ok(), *list = json_new_array(), *one = json_new(), *rule = json_new();

	(void)request;
	json_put_text(rule, "pattern", "a.example");
	json_put_text(rule, "action", "OK");
	json_put_text(rule, "origin", "command");
	json_put(one, "passing", rule);
	json_put_text(one, "blocked", "other.example");
	json_append(list, one);
	json_put(o, "outranking", list);
	return o;
}

static struct json *hang_up(const struct json *request)
{
	(void)request;
	return NULL;
}

static struct json *refuse(const struct json *request)
{
	struct json *o = json_new();

	(void)request;
	json_put_text(o, "error", "syntax");
	json_put_text(o, "text", "no\033[2J");
	return o;
}

static void test_lies(void **state)
{
	static const struct {
		const char *name;
		daemon_answer *answer;
		int want;
	} rows[] = {
	    {"in a circle", in_a_circle, ERR_CHILD},
	    {"pages without end", pages_of_nothing, ERR_CHILD},
	    {"an action that is none", bad_action, ERR_CHILD},
	    {"escapes", bad_text, ERR_CHILD},
	    {"a file's rule without a line", no_line, ERR_CHILD},
	    {"an answer to nothing", what_was_not_asked, ERR_CHILD},
	    {"hangs up", hang_up, ERR_REFUSED},
	    {"refuses", refuse, ERR_REFUSED},
	};
	struct fixture *f = *state;
	struct rule_list blocked = {0};
	const struct rulebox_question question = {.blocked = &blocked};
	char path[128];

	snprintf(path, sizeof(path), "%s/control.sock", f->index);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err err = {{0}};
		struct rulebox box;

		start_daemon(f, rows[i].answer);
		int code = rulebox_read(&f->client, WALL,
		    rows[i].answer == what_was_not_asked ? &question : NULL, &box, &err);
		if (code != rows[i].want)
			case_fail(rows[i].name, "%d: %s", code, err.text);
		case_assert(rows[i].name, err.text[0] && !strchr(err.text, '\033'));
		rulebox_release(&box);
		stop_daemon(f);
		unlink(path);
	}
}

UNIT_MAIN(TEST(test_files), TEST(test_daemon), TEST(test_many_rules), TEST(test_deciding),
    TEST(test_login_and_client), TEST(test_outranking), TEST(test_wrong_file),
    TEST(test_nothing_there), TEST(test_silent_daemon), TEST(test_lies))
