/* SPDX-License-Identifier: ISC */
/* Blocks: the rules of a command line, doubtful ones, and setting them. */
#include "tests/unit/purge/rules_fixture.h"

#include "purge/rules/blocking.h"

static const struct block_terms plain = {
    .action = RULE_REJECT, .reason = "", .author = "root", .now = WALL + 5, .expires = WALL + 9};

/* Separated by blanks. */
static char *subjects(const struct rule_list *plan)
{
	struct strbuf text = {0};

	strbuf_puts(&text, "");
	for (size_t i = 0; i < plan->count; i++)
		strbuf_printf(&text, "%s%s", i ? " " : "", plan->list[i].subject);
	return text.text ? text.text : strdup("");
}

static void test_subjects(void **state)
{
	static const struct {
		const char *name, *subject;
		bool subdomains;
		const char *want; /* NULL: refused */
	} cases[] = {
	    {"domain", "Example.COM", false, "example.com"},
	    {"domain and below", "example.com", true, "example.com .example.com"},
	    {"below alone", ".example.com", true, ".example.com"},
	    {"address", "a@example.com", true, "a@example.com"},
	    {"literal", "[192.0.2.1]", true, "[192.0.2.1]"},
	    {"null sender", "<>", true, "<>"},
	    {"login", "login:Joe", true, "login:Joe"},
	    {"logins of a domain", "login:@Example.com", true, "login:@example.com"},
	    {"expression for logins", "login:/^j/", true, "login:/^j/"},
	    {"no UTF-8", "x\xff.example", false, NULL},
	    {"no UTF-8 in an expression", "/\xff/", false, NULL},
	    {"client", "client:192.0.2.0/24", true, "client:192.0.2.0/24"},
	    {"single label", "localhost", false, "localhost"},
	    {"unclosed", "/x(/", false, NULL},
	    {"client bits", "client:192.0.2.1/24", false, NULL},
	    {"empty", "", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rule_list plan = {0};
		struct block_terms terms = plain;
		struct err err = {{0}};
		int code;
		char *got;

		terms.subdomains = cases[i].subdomains;
		code = block_plan_add(&plan, cases[i].subject, &terms, &err);
		if (!cases[i].want)
			case_assert(cases[i].name, code == ERR_USAGE && err.text[0]);
		else {
			case_assert(cases[i].name, code == 0);
			got = subjects(&plan);
			case_assert_text(cases[i].name, got, cases[i].want);
			free(got);
			/* In whole seconds, and never shorter than asked for. */
			case_assert(cases[i].name, plan.list[0].set_time == WALL);
			case_assert(cases[i].name, plan.list[0].expires == WALL + USEC_PER_SEC);
		}
		rule_list_release(&plan);
	}
}

static void add(struct pattern_set *set, const char *text)
{
	struct pattern p = {0};

	assert_int_equal(pattern_parse(text, &p, NULL), 0);
	assert_int_equal(pattern_set_add(set, &p), 0);
}

/* purge --block refuses mail of its selectors, so it needs one that names a sender. */
static void test_selector(void **state)
{
	struct rule_list plan = {0};
	struct block_terms terms = plain;
	struct selector s;
	struct err err = {{0}};
	char *got;

	(void)state;
	selector_init(&s);
	s.all = true;
	assert_int_equal(block_plan_selector(&plan, &s, &terms, &err), ERR_USAGE);
	add(&s.author, "a.example");
	add(&s.sender, "b@b.example");
	add(&s.from, "/c/i");
	assert_int_equal(selector_add_login(&s, "joe"), 0);
	assert_int_equal(selector_add_client(&s, "192.0.2.0/24", NULL), 0);
	assert_int_equal(selector_add_client(&s, "2001:db8::1", NULL), 0);
	assert_int_equal(block_plan_selector(&plan, &s, &terms, &err), 0);
	got = subjects(&plan);
	assert_string_equal(
	    got, "a.example b@b.example /c/i login:joe client:192.0.2.0/24 client:2001:db8::1");
	free(got);
	rule_list_release(&plan);
	selector_release(&s);
}

static void test_doubt(void **state)
{
	static const struct {
		const char *name, *subject;
		enum rule_action action;
		bool want;
	} cases[] = {
	    {"null sender", "<>", RULE_REJECT, true},
	    {"null sender on hold", "<>", RULE_HOLD, true},
	    {"null sender passes", "<>", RULE_OK, false},
	    {"null sender is logged", "<>", RULE_WARN, false},
	    {"own origin", "origin.example", RULE_REJECT, true},
	    {"own destination", "host.example", RULE_DEFER, true},
	    {"the last of the list", "last.example", RULE_REJECT, true},
	    {"below an own one", "sub.host.example", RULE_REJECT, false},
	    {"all below the parent of an own one", ".example", RULE_REJECT, true},
	    {"all below an own one", ".host.example", RULE_REJECT, false},
	    {"address of an own one", "joe@host.example", RULE_REJECT, false},
	    {"everything", "/./", RULE_REJECT, true},
	    {"an expression for an own one", "/@host\\.example$/", RULE_REJECT, true},
	    {"an expression for another", "/@spam\\.test$/", RULE_REJECT, false},
	    {"a stranger", "spam.test", RULE_REJECT, false},
	    {"a table's name", "hash", RULE_REJECT, false},
	    {"login", "login:joe", RULE_REJECT, false},
	    {"client", "client:192.0.2.1", RULE_REJECT, false},
	};
	struct postfix p = {.myorigin = (char[]){"origin.example"},
	    .mydestination =
		(char[]){"host.example, localhost\thash:/etc/postfix/own,last.example"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rule r = {0};
		char words[640];
		const char *doubt;

		case_assert(cases[i].name,
		    rule_make(cases[i].subject, cases[i].action, NULL, &r, NULL) == 0);
		doubt = block_doubt(&r, &p, words, sizeof(words));
		case_assert(cases[i].name, (doubt != NULL) == cases[i].want);
		if (doubt)
			case_assert(cases[i].name, strstr(doubt, cases[i].subject) != NULL);
		rule_release(&r);
	}
}

/* ---- setting rules */

static struct rule rule_of(const char *line)
{
	struct rule r;

	assert_int_equal(rule_parse(line, &r, NULL), 0);
	return r;
}

static char *stored_text(const struct fixture *f)
{
	static char text[1000];
	FILE *from = fopen(f->stored, "r");

	text[0] = '\0';
	if (!from)
		return text;
	text[fread(text, 1, sizeof(text) - 1, from)] = '\0';
	fclose(from);
	return text;
}

/* With no daemon the file is changed; its rules are in force when a daemon starts. */
static void test_without_a_daemon(void **state)
{
	struct fixture *f = *state;
	struct block_answer answer;
	struct err err = {{0}};
	struct rule r = rule_of("bad.example REJECT 5.7.1 x");

	if (block_set(&f->client, &r, &answer, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(!answer.was_there && !answer.by_daemon && answer.saved);
	assert_int_equal(block_set(&f->client, &r, &answer, &err), 0);
	assert_true(answer.was_there && !answer.by_daemon && answer.saved);
	assert_non_null(strstr(stored_text(f), "\nbad.example REJECT 5.7.1 x ; at="));
	assert_int_equal(block_unset(&f->client, "bad.example", &answer, &err), 0);
	assert_true(answer.was_there && answer.saved);
	assert_int_equal(block_unset(&f->client, "bad.example", &answer, &err), 0);
	assert_false(answer.was_there);
	assert_null(strstr(stored_text(f), "bad.example"));
	rule_release(&r);
}

static void test_nowhere_to_save(void **state)
{
	struct fixture *f = *state;
	struct block_answer answer;
	struct err err = {{0}};
	struct rule r = rule_of("bad.example REJECT");

	assert_int_equal(rmdir(f->state), 0);
	assert_true(block_set(&f->client, &r, &answer, &err) < 0);
	assert_non_null(strstr(err.text, "failed to set the rule for 'bad.example'"));
	assert_int_equal(mkdir(f->state, 0700), 0);
	rule_release(&r);
}

/* If another process holds the lock and does not answer, the rule is not set, and that process is
 * named. */
static void test_locked(void **state)
{
	struct fixture *f = *state;
	struct block_answer answer;
	struct err err = {{0}};
	struct rule r = rule_of("bad.example REJECT");
	int lock = -1;

	assert_int_equal(stored_lock(f->state, 0, &lock, &err), 0);
	assert_int_equal(block_set(&f->client, &r, &answer, &err), ERR_LOCKED);
	assert_non_null(strstr(err.text, "locked"));
	assert_string_equal(stored_text(f), "");
	close(lock);
	rule_release(&r);
}

static struct json *take_change(const struct json *request)
{
	struct json *o = ok();
	struct rule r;
	struct err err = {{0}};
	bool sets = strcmp(json_text(request, "do"), "rule-set") == 0;

	if (strcmp(json_text(request, "do"), "count") == 0) /* whether it answers at all */
		return o;
	if (sets && (rule_of_request(request, &r, &err) != 0 || r.action != RULE_DEFER ||
			strcmp(r.subject, "/a b/i") != 0 || strcmp(r.status, "4.7.0") != 0 ||
			strcmp(r.reason, "ticket 17") != 0 || r.expires != WALL))
		_exit(2);
	if (!sets && (strcmp(json_text(request, "do"), "rule-unset") != 0 ||
			 strcmp(json_text(request, "pattern"), "bad.example") != 0))
		_exit(3);
	json_put_bool(o, "was_there", !sets);
	json_put_bool(o, "saved", sets);
	if (!sets)
		json_put_text(o, "why", "the disk is full");
	return o;
}

static struct json *refuse(const struct json *request)
{
	struct json *o = json_new();

	(void)request;
	json_put_text(o, "error", "limit");
	json_put_text(o, "text", "too many rules");
	return o;
}

static void test_by_the_daemon(void **state)
{
	struct fixture *f = *state;
	struct block_answer answer;
	struct err err = {{0}};
	struct rule r = rule_of("/a b/i DEFER 4.7.0 later");

	assert_int_equal(rule_set_note(&r, "ticket 17", "root", NULL), 0);
	r.expires = WALL;
	start_daemon(f, take_change);
	if (block_set(&f->client, &r, &answer, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(!answer.was_there && answer.by_daemon && answer.saved);
	assert_int_equal(block_unset(&f->client, "bad.example", &answer, &err), 0);
	assert_true(answer.was_there && answer.by_daemon && !answer.saved);
	assert_string_equal(stored_text(f), ""); /* the daemon would write it */
	rule_release(&r);
}

static void test_refused_by_the_daemon(void **state)
{
	struct fixture *f = *state;
	struct block_answer answer;
	struct err err = {{0}};
	struct rule r = rule_of("bad.example REJECT");

	start_daemon(f, refuse);
	assert_int_equal(block_set(&f->client, &r, &answer, &err), ERR_REFUSED);
	assert_non_null(strstr(err.text, "too many rules"));
	assert_string_equal(stored_text(f), "");
	rule_release(&r);
}

UNIT_MAIN(cmocka_unit_test(test_subjects), cmocka_unit_test(test_selector),
    cmocka_unit_test(test_doubt), TEST(test_without_a_daemon), TEST(test_nowhere_to_save),
    TEST(test_locked), TEST(test_by_the_daemon), TEST(test_refused_by_the_daemon))
