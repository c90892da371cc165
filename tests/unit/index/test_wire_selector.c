/* SPDX-License-Identifier: ISC */
/* A selector over the wire is the same selector. */
#include "tests/unit/index/select_fixture.h"

#include "index/control/wire.h"

static struct json *through_text(struct json *o)
{
	struct strbuf text = {0};
	struct json *again;
	struct err err = {0};

	assert_non_null(o);
	assert_int_equal(json_write(&text, o), 0);
	if (json_parse(text.text, text.len, &again, &err) != 0)
		case_fail("json", "%s", err.text);
	strbuf_release(&text);
	return again;
}

static void assert_same_set(
    const char *name, const struct pattern_set *a, const struct pattern_set *b)
{
	case_assert(name, a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		case_assert(name, a->list[i].kind == b->list[i].kind);
		/* Local parts are compared without case. */
		case_assert(
		    name, str_equal_nocase(a->list[i].address.text, b->list[i].address.text));
		case_assert(
		    name, domain_equal(&a->list[i].address.domain, &b->list[i].address.domain));
		case_assert(name, a->list[i].kind != PATTERN_REGEX ||
				      strcmp(a->list[i].text, b->list[i].text) == 0);
	}
}

static void assert_same_list(const char *name, const struct strbuf *a, const struct strbuf *b)
{
	case_assert(name, a->len == b->len);
	case_assert(name, a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

static void assert_same(const char *name, const struct selector *a, const struct selector *b)
{
	assert_same_set(name, &a->author, &b->author);
	assert_same_set(name, &a->sender, &b->sender);
	assert_same_set(name, &a->from, &b->from);
	assert_same_set(name, &a->recipient, &b->recipient);
	assert_same_list(name, &a->logins, &b->logins);
	assert_same_set(name, &a->login_patterns, &b->login_patterns);
	assert_same_set(name, &a->subject, &b->subject);
	assert_same_set(name, &a->why, &b->why);
	assert_same_list(name, &a->message_ids, &b->message_ids);
	case_assert(name, a->clients.count == b->clients.count);
	for (size_t i = 0; i < a->clients.count; i++) {
		case_assert(name, net_equal(&a->clients.list[i].base, &b->clients.list[i].base));
		case_assert(name, a->clients.list[i].bits == b->clients.list[i].bits);
	}
	case_assert(name, a->uids.count == b->uids.count);
	for (size_t i = 0; i < a->uids.count; i++)
		case_assert(name, a->uids.list[i] == b->uids.list[i]);
	case_assert(name, a->ids.count == b->ids.count);
	for (size_t i = 0; i < a->ids.count; i++)
		case_assert_text(name, a->ids.list[i].text, b->ids.list[i].text);
	case_assert(name, a->ids_given == b->ids_given);
	case_assert(name, a->login_exact == b->login_exact);
	case_assert(name, a->only == b->only && a->all == b->all);
	case_assert(name, a->arrived_before == b->arrived_before);
	case_assert(name, a->arrived_after == b->arrived_after);
	case_assert(name, a->larger_than == b->larger_than);
	case_assert(name, a->queues == b->queues);
}

static void check(const char *name, struct selector *s)
{
	struct selector got;
	struct json *o = through_text(wire_selector(s));
	struct err err = {0};

	if (wire_selector_read(o, &got, &err) != 0)
		case_fail(name, "%s", err.text);
	assert_same(name, s, &got);
	selector_release(&got);
	selector_release(s);
	json_free(o);
}

static void test_patterns(void **state)
{
	static const char *const patterns[] = {"example.com", ".example.com", "A@Example.COM", "<>",
	    "/^a+@b/i", "/[\"\\\\]/", "[192.0.2.1]", "\"a b\"@example.com", "\xc3\xbc.example",
	    "b\xfc"
	    "cher.example",
	    "joe@b\xfc"
	    "cher.example",
	    "localhost"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(patterns); i++) {
		struct selector s =
		    selector_of(&(struct ask){.author = {patterns[i], "second.example"},
			.sender = patterns[i],
			.from = patterns[i],
			.recipient = patterns[i]});

		check(patterns[i], &s);
		s = selector_of(&(struct ask){.author = {patterns[i]}, .subdomains = true});
		check("with subdomains", &s);
	}
}

static void add_expression(struct pattern_set *set, const char *text)
{
	struct pattern p = {0};

	assert_int_equal(pattern_parse(text, &p, NULL), 0);
	assert_int_equal(pattern_set_add(set, &p), 0);
}

static void test_everything_else(void **state)
{
	struct selector s = selector_of(&(struct ask){.login = "j\xf6"
							       "e",
	    .ids = {3, 1}});

	(void)state;
	assert_int_equal(selector_add_uid(&s, 0), 0);
	assert_int_equal(selector_add_uid(&s, UINT32_MAX - 1), 0);
	assert_int_equal(selector_add_login(&s, "with \"quotes\" and \x01"), 0);
	assert_int_equal(selector_add_login_text(&s, "@Example.com", NULL), 0);
	assert_int_equal(selector_add_login_text(&s, "/^j\xf6 e$/", NULL), 0);
	assert_int_equal(selector_set_login_case(&s, false), 0);
	add_expression(&s.subject, "/a \"quoted\" \\/ subject/i");
	add_expression(&s.why, "/\xc3\xbc/");
	assert_int_equal(selector_add_message_id(&s, "<a@b>"), 0);
	assert_int_equal(selector_add_client(&s, "192.0.2.0/24", NULL), 0);
	assert_int_equal(selector_add_client(&s, "2001:db8::/32", NULL), 0);
	assert_int_equal(selector_add_client(&s, "0.0.0.0/0", NULL), 0);
	s.login_exact = s.only = s.all = true;
	s.arrived_before = INT64_C(1790000000123456);
	s.arrived_after = 5;
	s.larger_than = 0;
	s.queues = 0x1f;
	check("everything", &s);
	s = selector_of(&(struct ask){.no_ids = true});
	check("no IDs at all", &s);
	s = selector_of(&(struct ask){.all = true});
	check("all", &s);
}

static void test_nonsense(void **state)
{
	static const char *const cases[] = {
	    "{\"author\":[{}]}",
	    "{\"author\":[{\"text\":\"a b\"}]}",
	    "{\"author\":[{\"text\":\"/(/\"}]}",
	    "{\"author\":[{\"hex\":\"6\"}]}",
	    "{\"author\":[{\"hex\":\"00\"}]}",
	    "{\"author\":[{\"hex\":\"zz\"}]}",
	    "{\"author\":[\"example.com\"]}",
	    "{\"logins\":[{\"text\":\"\"}]}",
	    "{\"message_ids\":[{\"text\":\"\"}]}",
	    "{\"clients\":[\"example.com\"]}",
	    "{\"clients\":[1]}",
	    "{\"ids\":[\"../../etc\"]}",
	    "{\"ids\":[{}]}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s;
		struct json *o;
		struct err err = {0};

		assert_int_equal(json_parse(cases[i], strlen(cases[i]), &o, NULL), 0);
		case_assert(cases[i], wire_selector_read(o, &s, &err) == ERR_SYNTAX);
		case_assert(cases[i], strstr(err.text, "a selector is invalid") != NULL);
		json_free(o);
	}
}

UNIT_MAIN(cmocka_unit_test(test_patterns), cmocka_unit_test(test_everything_else),
    cmocka_unit_test(test_nonsense))
