/* SPDX-License-Identifier: ISC */
/* The command's rules as a file: what is written is read back, what is damaged is kept. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "rules/stored.h"

#define SECOND USEC_PER_SEC

#define X10  "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X400 X100 X100 X100 X100

static struct stored parse(const char *text)
{
	struct stored s = {0};
	struct err err = {{0}};

	if (stored_parse("rules", text, strlen(text), &s, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

/* The file's text of what was read; caller frees. */
static char *written(const struct stored *s)
{
	struct strbuf out = {0};

	stored_begin(&out, &s->kept);
	for (size_t i = 0; i < s->rules.count; i++)
		stored_put(&out, &s->rules.list[i]);
	assert_false(out.failed);
	return out.text;
}

/* What an admin may write, and what comes of it. */
static void test_lines(void **state)
{
	static const struct {
		const char *name, *line, *subject, *text, *author, *reason;
		int64_t set, until; /* seconds */
	} rows[] = {
	    {"all of it", "a.example REJECT 5.7.1 Go ; at=5 until=9 by=joe reason=ticket 17",
		"a.example", "Go", "joe", "ticket 17", 5, 9},
	    {"nothing", "a.example REJECT", "a.example", "", "", "", 0, 0},
	    {"text alone", "A.example. REJECT Go away", "a.example", "Go away", "", "", 0, 0},
	    {"no text", "a.example HOLD ; at=5", "a.example", "", "", "", 5, 0},
	    {"separator alone", "a.example HOLD ;", "a.example", "", "", "", 0, 0},
	    {"text that looks like attributes", "a.example HOLD x ; at=1 ; at=5", "a.example",
		"x ; at=1", "", "", 5, 0},
	    {"text that is a separator", "a.example HOLD ; ; at=5", "a.example", ";", "", "", 5, 0},
	    {"text with a semicolon", "a.example HOLD a;b", "a.example", "a;b", "", "", 0, 0},
	    {"text that begins with #", "a.example HOLD #1 ; at=5", "a.example", "#1", "", "", 5,
		0},
	    {"another order", "a.example OK ; by=joe until=9 at=5", "a.example", "", "joe", "", 5,
		9},
	    {"tabs and blanks", "a.example\t OK\tx \t; \tat=5\t by=joe ", "a.example", "x", "joe",
		"", 5, 0},
	    {"escaped", "a.example OK ; by=uid\\ 7\\; reason=a \\; b\\\\ at=7", "a.example", "",
		"uid 7;", "a ; b\\ at=7", 0, 0},
	    {"reason is all the rest", "a.example OK ; at=5 reason= by=x  ", "a.example", "", "",
		" by=x  ", 5, 0},
	    {"no value", "a.example OK ; by= reason=", "a.example", "", "", "", 0, 0},
	    {"expression with a separator", "/a ; b/i REJECT", "/a ; b/i", "", "", "", 0, 0},
	    {"login in quotes", "login:\"a ; b\" OK ; at=5", "login:\"a ; b\"", "", "", "", 5, 0},
	    {"control characters of a note", "a.example OK ; reason=a\tb\xff", "a.example", "", "",
		"a?b?", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct stored s = parse(rows[i].line);
		const struct strlist told = strlist_of(&s.told);

		if (s.rules.count != 1)
			case_fail(rows[i].name, "%s", told.first ? told.first : "no rule");
		const struct rule *r = &s.rules.list[0];
		case_assert_text(rows[i].name, r->subject, rows[i].subject);
		case_assert_text(rows[i].name, r->text, rows[i].text);
		case_assert_text(rows[i].name, r->author, rows[i].author);
		case_assert_text(rows[i].name, r->reason, rows[i].reason);
		case_assert(rows[i].name, r->set_time == rows[i].set * SECOND);
		case_assert(rows[i].name, r->expires == rows[i].until * SECOND);
		case_assert(rows[i].name, r->line == 0 && s.damaged == 0 && s.kept.len == 0);
		stored_release(&s);
	}
}

/* Left out, counted, named; and there again, byte for byte, when the file is written. */
static void test_damaged(void **state)
{
	static const struct {
		const char *line, *told;
	} rows[] = {
	    {"a.example", "rules:3: no action"},
	    {"a.example REJCT", "rules:3: unknown action"},
	    {"/a(/ REJECT ; at=5", "rules:3: /a(/: bad expression"},
	    {" a.example REJECT", "rules:3: a rule begins in the first column"},
	    {"a.example REJECT go ; away", "'away' is none of at="},
	    {"a.example REJECT ; at=x", "'x' is no number"},
	    {"a.example REJECT ; at=", "'' is no number"},
	    {"a.example REJECT ; at=-1", "'-1' is no number"},
	    {"a.example REJECT ; until=999999999999", "is no number"},
	    {"a.example REJECT ; at=5 at=6", "at= is there twice"},
	    {"a.example REJECT ; origin=flood", "is none of at="},
	    {"a.example REJECT ; by=a\\b", "a backslash"},
	    {"a.example REJECT ; by=a\\", "a backslash"},
	    {"a.example REJECT ; reason=" X400 "x", "longer than 400"},
	    {"a.example REJECT " X400 "x ; at=5", "longer than 400"},
	    {"a.example REJECT 4.7.1 x ; at=5", "does not fit"},
	    {"a.example REJECT\r", "unknown action"},
	    {"a.example REJECT x\r", "printable ASCII"},
	    {"a.example REJECT nicht m\xc3\xb6glich ; at=5", "printable ASCII"},
	    {"\xff\xfe\x01", "rules:3:"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct strbuf text = {0};

		strbuf_printf(&text, "# mine\nb.example OK\n%s\nc.example HOLD\n", rows[i].line);
		struct stored s = parse(text.text), again;
		char *out = written(&s), want[1200];

		case_assert(rows[i].line, s.rules.count == 2 && s.damaged == 1);
		const struct strlist told = strlist_of(&s.told);
		case_assert(rows[i].line, told.count == 1);
		if (!strstr(told.first, rows[i].told))
			case_fail(rows[i].line, "told '%s'", told.first);
		snprintf(want, sizeof(want), "\n# mine\n%s\n", rows[i].line);
		case_assert(rows[i].line, strstr(out, want) != NULL);
		again = parse(out);
		case_assert(rows[i].line, again.rules.count == 2 && again.damaged == 1);
		case_assert_text(rows[i].line, again.rules.list[0].subject, "b.example");
		case_assert_text(rows[i].line, again.rules.list[1].subject, "c.example");
		free(out);
		stored_release(&s);
		stored_release(&again);
		strbuf_release(&text);
	}
}

static void test_nul(void **state)
{
	static const char text[] = "a.example REJECT\0x\nb.example OK\n";
	struct stored s = {0};
	struct strbuf out = {0};

	(void)state;
	assert_int_equal(stored_parse("rules", text, sizeof(text) - 1, &s, NULL), 0);
	assert_int_equal(s.rules.count, 1);
	assert_int_equal(s.damaged, 1);
	stored_begin(&out, &s.kept);
	assert_memory_equal(out.text + out.len - 19, text, 19);
	strbuf_release(&out);
	stored_release(&s);
}

/* All damaged lines are kept and counted, the first are named. */
static void test_much_damage(void **state)
{
	struct strbuf text = {0};

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		strbuf_printf(&text, "line %u\n", i);
	struct stored s = parse(text.text);
	const struct strlist told = strlist_of(&s.told);
	assert_int_equal(s.damaged, 50);
	assert_int_equal(told.count, STORED_TOLD_MAX);
	char *out = written(&s);
	assert_non_null(strstr(out, text.text));
	free(out);
	stored_release(&s);
	strbuf_release(&text);
}

/* Whatever a rule may hold comes back, and is written the same again. */
static void test_round(void **state)
{
	static const struct {
		const char *subject;
		enum rule_action action;
		const char *text, *reason, *author;
	} rows[] = {
	    {"example.com", RULE_REJECT, "5.7.26 Go away 100%", "ticket 17", "root"},
	    {".example.com", RULE_DEFER, "4.7.0", "", ""},
	    {"b\xc3\xbc"
	     "cher.example",
		RULE_REJECT, "5.7.0 4.7.1 x", "a ; b", "uid 7"},
	    {"<>", RULE_HOLD, "5.7.1 x", " ; at=1 ; ", "; by=x"},
	    {"\"a b\"@example.com", RULE_DISCARD, "", "\\;\\\\ \\", "a\\ b;"},
	    {"/^a b\\/c ; at=1/i", RULE_WARN, "; at=1 by=x",
		"b\xc3\xbc"
		"cher",
		"j\xc3\xb6rg"},
	    {"login:John Doe ; at=1", RULE_OK, "x ; at=1", "reason=x", "by=x"},
	    {"login:@example.com", RULE_OK, "", " ", ""},
	    {"login:/a b/", RULE_OK, "", "x", ""},
	    {"client:2001:db8::/32", RULE_REJECT, X400, X400, X400},
	    {"-a..b", RULE_REJECT, NULL, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rule r;
		struct strbuf line = {0}, again = {0};

		if (rule_make(rows[i].subject, rows[i].action, rows[i].text, &r, NULL) != 0)
			continue; /* no pattern */
		assert_int_equal(rule_set_note(&r, rows[i].reason, rows[i].author), 0);
		r.set_time = 1764000000 * SECOND;
		r.expires = i % 2 ? 1764000001 * SECOND : 0;
		stored_put(&line, &r);
		struct stored s = parse(line.text);
		const struct strlist told = strlist_of(&s.told);
		if (s.rules.count != 1)
			case_fail(line.text, "%s", told.first ? told.first : "no rule");
		const struct rule *back = &s.rules.list[0];
		case_assert_text(line.text, back->subject, r.subject);
		case_assert_text(line.text, back->key, r.key);
		case_assert_text(line.text, back->status, r.status);
		case_assert_text(line.text, back->text, r.text);
		case_assert_text(line.text, back->reason, r.reason);
		case_assert_text(line.text, back->author, r.author);
		case_assert(line.text, back->kind == r.kind && back->action == r.action);
		case_assert(line.text, back->set_time == r.set_time);
		case_assert(line.text, back->expires == r.expires);
		stored_put(&again, back);
		case_assert_text(line.text, again.text, line.text);
		stored_release(&s);
		rule_release(&r);
		strbuf_release(&line);
		strbuf_release(&again);
	}
}

/* Their order is that of the lines. */
static void test_order(void **state)
{
	static const char *const want[] = {"/c/", "b.example", "/a/", "a.example", "/c/i"};
	struct stored s = parse("/c/ OK\nb.example OK\n/a/ OK\na.example OK\n/c/i OK\n");

	(void)state;
	assert_int_equal(s.rules.count, COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++)
		case_assert_text(want[i], s.rules.list[i].subject, want[i]);
	stored_release(&s);
}

/* All doublets go at once, however they came. */
static void test_drop(void **state)
{
	struct stored s =
	    parse("login:Bob OK\na.example OK ; until=5\nlogin:bob HOLD\nb.example OK\n");

	(void)state;
	assert_int_equal(stored_drop(&s.rules, "login:BOB", 10 * SECOND, true), 0);
	assert_int_equal(s.rules.count, 4);
	assert_int_equal(stored_drop(&s.rules, "login:BOB", 10 * SECOND, false), 1);
	assert_int_equal(s.rules.count, 2);
	assert_int_equal(stored_drop(&s.rules, "a.example", 10 * SECOND, false), 0); /* expired */
	assert_int_equal(s.rules.count, 1);
	assert_string_equal(s.rules.list[0].subject, "b.example");
	stored_release(&s);
}

/* The heading is there once, however often the file is written. */
static void test_heading(void **state)
{
	struct stored s = parse("# mine\nb.example OK ; at=5\n"), t;
	char *first = written(&s), *second;

	(void)state;
	t = parse(first);
	second = written(&t);
	assert_string_equal(first, second);
	assert_true(str_starts(first, "# Set by pqpurge-idx block"));
	free(first);
	free(second);
	stored_release(&s);
	stored_release(&t);
}

/* ---- the file */

static char directory[] = "/tmp/pqp-stored.XXXXXX";

static char *path_of(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put_file(const char *text)
{
	FILE *f = fopen(path_of(STORED_FILE), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int set(const char *line, int64_t expires, struct err *err)
{
	struct rule r;
	int rc;

	assert_int_equal(rule_parse(line, &r, NULL), 0);
	r.set_time = 5 * SECOND;
	r.expires = expires;
	rc = stored_change(directory, r.subject, &r, 10 * SECOND, false, err);
	rule_release(&r);
	return rc;
}

static struct stored read_all(void)
{
	struct stored s = {0};
	struct err err = {{0}};

	if (stored_read(directory, &s, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static void test_set_and_unset(void **state)
{
	struct err err = {{0}};
	struct stored s;
	struct stat st;

	(void)state;
	s = read_all();
	assert_int_equal(s.rules.count, 0);
	put_file("# mine\nrubbish\nold.example REJECT ; until=9\nlogin:Bob OK\n");
	assert_int_equal(set("bad.example REJECT", 0, &err), 0);
	assert_int_equal(set("bad.example HOLD", 11 * SECOND, &err), 1);
	assert_int_equal(set("login:bob REJECT", 0, &err), 1);
	s = read_all();
	assert_int_equal(s.rules.count, 2); /* the expired one is gone */
	assert_string_equal(s.rules.list[0].subject, "bad.example");
	assert_int_equal(s.rules.list[0].action, RULE_HOLD);
	assert_string_equal(s.rules.list[1].subject, "login:bob");
	assert_int_equal(s.damaged, 1);
	stored_release(&s);
	assert_int_equal(stat(path_of(STORED_FILE), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(
	    stored_change(directory, "bad.example", NULL, 10 * SECOND, false, &err), 1);
	assert_int_equal(
	    stored_change(directory, "bad.example", NULL, 10 * SECOND, false, &err), 0);
	/* One that has expired is none, for whoever sets it anew and for whoever removes it. */
	put_file("old.example REJECT ; until=9\n");
	assert_int_equal(set("old.example REJECT", 0, &err), 0);
	put_file("old.example REJECT ; until=9\n");
	assert_int_equal(
	    stored_change(directory, "old.example", NULL, 10 * SECOND, false, &err), 0);
	assert_int_equal(access(path_of("rules.new"), F_OK), -1);
}

/* A file that cannot be read is not overwritten, nor is one lost where nothing can be written. */
static void test_faults(void **state)
{
	struct err err = {{0}};
	struct rlimit before, none;
	struct stored s;

	(void)state;
	put_file("old.example REJECT\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(set("bad.example REJECT", 0, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(err.text, "failed to write"));
	s = read_all();
	assert_int_equal(s.rules.count, 1);
	assert_string_equal(s.rules.list[0].subject, "old.example");
	stored_release(&s);
	assert_int_equal(access(path_of("rules.new"), F_OK), -1);

	assert_int_equal(unlink(path_of(STORED_FILE)), 0);
	assert_int_equal(mkdir(path_of(STORED_FILE), 0700), 0);
	assert_int_equal(set("bad.example REJECT", 0, &err), -EISDIR);
	assert_int_equal(rmdir(path_of(STORED_FILE)), 0);
	assert_int_equal(
	    stored_change("/nonexistent", "bad.example", NULL, 10 * SECOND, false, &err), -ENOENT);
}

/* Two commands at once: no change is lost. */
static void test_beside_each_other(void **state)
{
	pid_t children[4];
	struct stored s;

	(void)state;
	unlink(path_of(STORED_FILE));
	for (unsigned c = 0; c < COUNT_OF(children); c++) {
		children[c] = fork();
		assert_true(children[c] >= 0);
		for (unsigned i = 0; children[c] == 0 && i < 10; i++) {
			char line[64];

			snprintf(line, sizeof(line), "c%u-%u.example REJECT", c, i);
			if (set(line, 0, NULL) != 0)
				_exit(1);
		}
		if (children[c] == 0)
			_exit(0);
	}
	for (unsigned c = 0; c < COUNT_OF(children); c++) {
		int status;

		assert_int_equal(waitpid(children[c], &status, 0), children[c]);
		assert_int_equal(status, 0);
	}
	s = read_all();
	assert_int_equal(s.rules.count, 40);
	stored_release(&s);
}

/* The daemon's lock keeps commands out, and says whose it is. */
static void test_locked(void **state)
{
	struct err err = {{0}};
	int fd = -1, other = -1;

	(void)state;
	assert_int_equal(stored_lock(directory, 0, &fd, &err), 0);
	assert_int_equal(pwrite(fd, "4711\n", 5, 0), 5);
	assert_int_equal(stored_lock(directory, 0, &other, &err), ERR_LOCKED);
	assert_non_null(strstr(err.text, "process 4711"));
	close(fd);
	assert_int_equal(stored_lock(directory, 0, &fd, &err), 0);
	close(fd);
	unlink(path_of(STORED_LOCK));
	assert_int_equal(symlink("/dev/null", path_of(STORED_LOCK)), 0);
	assert_int_equal(stored_lock(directory, 0, &fd, &err), -ELOOP);
	unlink(path_of(STORED_LOCK));
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path_of(STORED_FILE));
	unlink(path_of(STORED_LOCK));
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_much_damage),
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_drop),
	    cmocka_unit_test(test_heading),
	    cmocka_unit_test(test_set_and_unset),
	    cmocka_unit_test(test_faults),
	    cmocka_unit_test(test_beside_each_other),
	    cmocka_unit_test(test_locked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
