/* SPDX-License-Identifier: ISC */
/* Selectors: adding options, their forms and numbers; the second step. */
#include "tests/unit/mail/selector_words.h"

static void test_message_id_forms(void **state)
{
	static const struct {
		const char *name, *recorded, *asked;
		unsigned want;
	} cases[] = {
	    {"no brackets recorded", "a@b", "<a@b>", O},
	    {"no brackets on either side", "a@b", "a@b", O},
	    {"half recorded", "<a@b", "a@b", O},
	    {"half asked", "<a@b>", "<a@b", O},
	    {"empty recorded", "", "a@b", 0},
	    {"brackets recorded", "<>", "a", 0},
	    {"folded, as the log shows it", "<a@b>", "<a\n @b>", O},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s;
		struct message m;

		usual(&m);
		m.message_id = cases[i].recorded;
		selector_init(&s);
		assert_int_equal(selector_add_message_id(&s, cases[i].asked), 0);
		case_assert(cases[i].name, selector_match(&s, &m, NULL) == cases[i].want);
		selector_release(&s);
	}
}

static void test_adding(void **state)
{
	static const char *const no_clients[] = {"", "bob", "192.0.2.1/24", "192.0.2.0/33",
	    "192.0.2", "2001:db8::1/32", "192.0.2.1/", "example.com"};
	struct err err = {{0}};
	struct selector s;

	(void)state;
	selector_init(&s);
	assert_int_equal(selector_add_login(&s, ""), ERR_SYNTAX);
	assert_int_equal(selector_add_login_text(&s, "", NULL), ERR_SYNTAX);
	assert_int_equal(selector_add_login_text(&s, "@", NULL), ERR_SYNTAX);
	assert_int_equal(selector_add_login_text(&s, "@.example.com", NULL), ERR_SYNTAX);
	assert_int_equal(selector_add_login_text(&s, "@a@b.example", NULL), ERR_SYNTAX);
	assert_int_equal(selector_add_login_text(&s, "/(/", NULL), ERR_SYNTAX);
	assert_int_equal(selector_add_message_id(&s, ""), ERR_SYNTAX);
	assert_int_equal(selector_add_message_id(&s, "<>"), ERR_SYNTAX);
	for (size_t i = 0; i < COUNT_OF(no_clients); i++) {
		err.text[0] = '\0';
		case_assert(
		    no_clients[i], selector_add_client(&s, no_clients[i], &err) == ERR_SYNTAX);
		case_assert(no_clients[i], strstr(err.text, no_clients[i]) != NULL);
	}
	assert_true(selector_is_empty(&s));
	selector_release(&s);
}

static void test_file(void **state)
{
	static const struct {
		const char *name;
		int64_t before, after, larger;
		unsigned queues;
		int64_t arrival, size;
		unsigned queue;
		bool want;
	} cases[] = {
	    {"nothing asked", 0, 0, -1, 0, 100, 10, 1, true},
	    {"nothing asked, nothing known", 0, 0, -1, 0, -1, -1, 1, true},
	    {"older", 100, 0, -1, 0, 99, 10, 1, true},
	    {"just as old", 100, 0, -1, 0, 100, 10, 1, false},
	    {"age unknown", 100, 0, -1, 0, -1, 10, 1, false},
	    {"newer", 0, 100, -1, 0, 101, 10, 1, true},
	    {"just as new", 0, 100, -1, 0, 100, 10, 1, false},
	    {"newer, unknown", 0, 100, -1, 0, -1, 10, 1, false},
	    {"between", 200, 100, -1, 0, 150, 10, 1, true},
	    {"not between", 200, 100, -1, 0, 250, 10, 1, false},
	    {"larger", 0, 0, 10, 0, 100, 11, 1, true},
	    {"just as large", 0, 0, 10, 0, 100, 10, 1, false},
	    {"larger than nothing", 0, 0, 0, 0, 100, 1, 1, true},
	    {"size unknown", 0, 0, 0, 0, 100, -1, 1, false},
	    {"queue", 0, 0, -1, 6, 100, 10, 4, true},
	    {"other queue", 0, 0, -1, 6, 100, 10, 1, false},
	    {"all narrow", 200, 100, 5, 6, 150, 10, 2, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s;

		selector_init(&s);
		s.arrived_before = cases[i].before;
		s.arrived_after = cases[i].after;
		s.larger_than = cases[i].larger;
		s.queues = cases[i].queues;
		case_assert(cases[i].name, selector_match_file(&s, cases[i].arrival, cases[i].size,
					       cases[i].queue) == cases[i].want);
	}
}

/* Many of a kind: the arrays grow, and sealing drops repetitions and nothing else. */
static void test_many(void **state)
{
	struct selector s;
	struct message m;
	char text[32];

	(void)state;
	usual(&m);
	selector_init(&s);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(text, sizeof(text), "%05X%X", i * 1000, 4096 + i);
			add_id(&s, text);
		}
	}
	selector_seal(&s);
	assert_int_equal(s.ids.count, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%05X%X", i * 1000, 4096 + i);
		assert_int_equal(queue_id_parse(text, strlen(text), &m.queue_id), 0);
		case_assert(text, selector_match(&s, &m, NULL) == O);
	}
	/* One more after the seal. */
	add_id(&s, "F423F1");
	selector_seal(&s);
	assert_int_equal(s.ids.count, 1001);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "d%u.example", i);
		add_pattern(&s.author, text);
		snprintf(text, sizeof(text), "10.0.%u.0/24", i);
		assert_int_equal(selector_add_client(&s, text, NULL), 0);
	}
	m.sender = "x@d99.example";
	assert_int_equal(net_parse("10.0.99.1", &m.client), 0);
	assert_int_equal(selector_match(&s, &m, NULL), E);
	selector_release(&s);
	assert_int_equal(s.ids.count, 0);
}

/* A selector with only the second step lets every message through the first. */
static void test_second_step_alone(void **state)
{
	struct selector s;
	struct message m;

	(void)state;
	usual(&m);
	selector_init(&s);
	assert_int_equal(selector_match(&s, &m, NULL), 0);
	s.arrived_before = 1;
	assert_int_equal(selector_match(&s, &m, NULL), O);
}

/* A text that the record cut is found by its kept part, but only if the record says that it was
 * cut. */
static void test_cut_text(void **state)
{
	char whole[700], kept[MESSAGE_TEXT_MAX + 1];
	struct selector by_login, by_id;
	struct message m;

	(void)state;
	memset(whole, 'x', sizeof(whole));
	whole[0] = '<';
	snprintf(whole + 600, 20, "@example.com>");
	snprintf(kept, sizeof(kept), "%.*s", MESSAGE_TEXT_MAX, whole);
	selector_init(&by_login);
	selector_init(&by_id);
	assert_int_equal(selector_add_login(&by_login, whole), 0);
	assert_int_equal(selector_add_message_id(&by_id, whole), 0);
	usual(&m);
	m.login = m.message_id = kept;
	assert_int_equal(selector_match(&by_login, &m, NULL), 0);
	assert_int_equal(selector_match(&by_id, &m, NULL), 0);
	m.flags = MESSAGE_CUT_TEXT;
	assert_int_equal(selector_match(&by_login, &m, NULL), O);
	assert_int_equal(selector_match(&by_id, &m, NULL), O);
	/* The flag may be another text's: a short text was not cut. */
	kept[100] = '\0';
	assert_int_equal(selector_match(&by_login, &m, NULL), 0);
	assert_int_equal(selector_match(&by_id, &m, NULL), 0);
	selector_release(&by_login);
	selector_release(&by_id);
}

static void test_login_domains(void **state)
{
	static const struct {
		const char *asked, *login;
		unsigned want;
	} cases[] = {
	    {"@example.com", "joe@example.com", O},
	    {"@Example.COM.", "joe@EXAMPLE.com", O},
	    {"@example.com", "joe@sub.example.com", 0},
	    {"@example.com", "joe@badexample.com", 0},
	    {"@example.com", "example.com", 0},
	    {"@example.com", "a@example.com@other.example", 0},
	    {"@other.example", "a@example.com@other.example", O},
	    {"@b\xc3\xbc.example", "joe@xn--b-eha.example", O},
	    {"@localhost", "joe@localhost", O},
	    {"/@(sub\\.)?example\\.com$/", "joe@sub.example.com", O},
	    {"/./", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (unsigned half = 0; half < 3; half++) {
			const char *words[] = {"login", cases[i].asked, NULL};
			unsigned want = cases[i].want;
			struct selector s;
			struct message m;

			usual(&m);
			usual_queued(&m);
			m.login = m.queued.login = "";
			*(half == 0     ? &m.login
			    : half == 1 ? &m.queued.login
					: &m.first.login) = cases[i].login;
			fill(&s, words);
			case_assert(cases[i].asked,
			    selector_match(&s, &m, NULL) == (want && half == 2 ? want | J : want));
			selector_release(&s);
		}
}

/* If the cut part of a login decides, nothing is sure. */
static void test_cut_login_patterns(void **state)
{
	static const struct {
		const char *asked;
		size_t len;
		unsigned want;
	} cases[] = {{"/^x/", MESSAGE_TEXT_MAX, O | U}, {"@example.com", MESSAGE_TEXT_MAX, O | U},
	    {"/^x/", MESSAGE_TEXT_MAX - 1, O}, {"@example.com", MESSAGE_TEXT_MAX - 1, 0},
	    {"bob", MESSAGE_TEXT_MAX, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *words[] = {"login", cases[i].asked, NULL};
		char login[MESSAGE_TEXT_MAX + 1] = "";
		struct selector s;
		struct message m;

		usual(&m);
		memset(login, 'x', cases[i].len);
		m.login = login;
		fill(&s, words);
		case_assert(cases[i].asked, selector_nominate(&s, &m, NULL) == cases[i].want);
		selector_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_login_domains),
	    cmocka_unit_test(test_cut_login_patterns),
	    cmocka_unit_test(test_message_id_forms),
	    cmocka_unit_test(test_adding),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_second_step_alone),
	    cmocka_unit_test(test_cut_text),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
