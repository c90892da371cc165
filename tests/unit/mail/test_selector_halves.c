/* SPDX-License-Identifier: ISC */
/* Both halves of a row: as given, and as queued. */
#include "tests/unit/mail/selector_words.h"

/* A message whose queue file differs from the client's words. */
static void test_halves(void **state)
{
	static const struct row halves[] = {
	    {"sender as given", {"sender", "sub.example.com"}, O | G},
	    {"sender as queued", {"sender", "srs.example"}, O},
	    {"sender, both", {"sender", "/./"}, O},
	    {"author as given", {"", "sub.example.com"}, E | G},
	    {"author as queued", {"", "srs.example"}, E},
	    {"author, From as given", {"", "header.example"}, F | G},
	    {"author, From in both", {"", "other.example"}, F},
	    {"author, From as queued", {"", "masked.example"}, F},
	    {"given From, queued sender", {"", "header.example", "", "srs.example"}, E | F},
	    {"from as given", {"from", "header.example"}, O | G},
	    {"from as queued", {"from", "masked.example"}, O},
	    {"one of two by the given half", {"sender", "srs.example", "from", "header.example"},
		O | G},
	    {"recipient as given", {"recipient", "one@dest.example"}, O},
	    {"recipient as queued", {"recipient", "alias.example"}, O},
	    {"recipient by its original", {"recipient", "first@dest.example"}, O},
	    {"recipient that waits no more, only", {"recipient", "elsewhere.example", "only", ""},
		0},
	    {"only, one by its original alone", {"recipient", "dest.example", "only", ""}, 0},
	    {"only, by addresses",
		{"recipient", "dest.example", "recipient", "alias.example", "only", ""}, O},
	    {"only, one does not match", {"recipient", "alias.example", "only", ""}, 0},
	    {"client as given", {"client", "192.0.2.77"}, O},
	    {"client as queued", {"client", "192.0.2.78"}, O},
	    {"client of XFORWARD", {"client", "203.0.113.0/24"}, O},
	    {"login as given", {"login", "bob"}, O},
	    {"login as queued", {"login", "robert"}, O},
	    {"Message-ID as given", {"message-id", "abc@mail.example.com"}, O},
	    {"Message-ID as queued", {"message-id", "new@mail.example.com"}, O},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(halves); i++) {
		struct selector s;
		struct message m;
		unsigned got;

		usual(&m);
		usual_queued(&m);
		fill(&s, halves[i].words);
		got = selector_match(&s, &m, NULL);
		if (got != halves[i].want)
			case_fail(halves[i].name, "got %u, want %u", got, halves[i].want);
		selector_release(&s);
	}
}

/* A row made from the file alone has no given half that could match. */
static void test_queued_alone(void **state)
{
	static const struct row alone[] = {
	    {"null sender", {"", "<>"}, 0},
	    {"sender", {"", "srs.example"}, E},
	    {"login", {"login", "robert"}, O},
	    {"client", {"client", "192.0.2.78"}, O},
	    {"recipient", {"recipient", "alias.example"}, O},
	    {"From", {"from", "masked.example"}, O},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(alone); i++) {
		struct selector s;
		struct message m;

		message_init(&m);
		m.origin = ORIGIN_QUEUE;
		usual_queued(&m);
		fill(&s, alone[i].words);
		if (selector_match(&s, &m, NULL) != alone[i].want)
			case_fail(alone[i].name, "want %u", alone[i].want);
		selector_release(&s);
	}
}

static void test_queued_recipients(void **state)
{
	static const struct {
		const char *name, *words[9];
		uint32_t count, flags, others;
		unsigned nominated;
	} cases[] = {
	    {"all, by address or original", {"recipient", "dest.example"}, 2, 0, 0, O},
	    {"one of two", {"recipient", "alias.example"}, 2, 0, 1, O},
	    {"none that waits", {"recipient", "elsewhere.example"}, 2, 0, 2, O},
	    {"cut, one of them", {"recipient", "alias.example"}, 9, C, 8, O},
	    {"cut, none of them", {"recipient", "z.example"}, 9, C, 9, O | U},
	    {"cut, only", {"recipient", "/./", "only", ""}, 9, C, 7, O | U},
	    {"cut, only, one does not match", {"recipient", "alias.example", "only", ""}, 9, C, 8,
		0},
	    {"only, one by its original", {"recipient", "dest.example", "only", ""}, 2, 0, 0, 0},
	    {"given ones cut, queued ones not", {"recipient", "z.example"}, 2,
		MESSAGE_CUT_RECIPIENTS, 2, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s;
		struct message m;

		usual(&m);
		usual_queued(&m);
		m.queued.recipient_count = cases[i].count;
		m.flags |= cases[i].flags;
		fill(&s, cases[i].words);
		case_assert(cases[i].name, selector_other_recipients(&s, &m) == cases[i].others);
		case_assert(cases[i].name, selector_nominate(&s, &m, NULL) == cases[i].nominated);
		selector_release(&s);
	}
}

/* Recipients that waited at the reading may have been delivered since, so the file is asked. */
static void test_rows(void **state)
{
	static const struct {
		const char *name, *words[9];
		bool queued;
		uint32_t flags;
		unsigned nominated;
	} cases[] = {
	    {"no recipient asked for", {"sender", "srs.example"}, true, 0, O},
	    {"all", {"recipient", "/./"}, true, 0, O},
	    {"one of two", {"recipient", "alias.example"}, true, 0, O},
	    {"none", {"recipient", "z.example"}, true, 0, 0},
	    {"only, all", {"recipient", "/./", "only", ""}, true, 0, O},
	    {"only, one of two", {"recipient", "alias.example", "only", ""}, true, 0, O | U},
	    {"only, an original alone", {"recipient", "first@dest.example", "only", ""}, true, 0,
		0},
	    {"only, cut", {"recipient", "alias.example", "only", ""}, true, C, O | U},
	    {"only, not read so far", {"recipient", "one@dest.example", "only", ""}, false, 0,
		O | U},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s;
		struct message m;

		usual(&m);
		if (cases[i].queued)
			usual_queued(&m);
		m.flags |= cases[i].flags;
		fill(&s, cases[i].words);
		case_assert(
		    cases[i].name, selector_nominate_row(&s, &m, NULL) == cases[i].nominated);
		selector_release(&s);
	}
}

/* Back from a content filter: its own login and client are the filter's. */
static void test_first_pass(void **state)
{
	static const struct {
		const char *name, *words[7], *login, *client;
		uint32_t flags;
		unsigned want, unjoined;
	} cases[] = {
	    {"login of the first pass", {"login", "JOE"}, "joe", "", MESSAGE_JOINED, O | J, 0},
	    {"its own counts first", {"login", "joe", "login", "bob"}, "joe", "", MESSAGE_JOINED, O,
		0},
	    {"another login", {"login", "ann"}, "joe", "", MESSAGE_JOINED, 0, 0},
	    {"joined, nobody logged in", {"login", "joe"}, "", "", MESSAGE_JOINED, 0, 0},
	    {"client of the first pass", {"client", "198.51.100.1"}, "", "198.51.100.1",
		MESSAGE_JOINED, O | J, 0},
	    {"another client", {"client", "198.51.100.2"}, "", "198.51.100.1", MESSAGE_JOINED, 0,
		0},
	    {"one by the first pass, one its own", {"login", "joe", "client", "192.0.2.77"}, "joe",
		"", MESSAGE_JOINED, O | J, 0},
	    {"author by envelope, login by the first pass", {"", "sub.example.com", "login", "joe"},
		"joe", "", MESSAGE_JOINED, E | J, 0},
	    {"told by Received", {"login", "joe"}, "joe", "", MESSAGE_UNJOINED, O | J, 0},
	    {"told by Received, another", {"login", "ann"}, "joe", "", MESSAGE_UNJOINED, 0, 0},
	    {"unknown login", {"login", "joe"}, "", "198.51.100.1", MESSAGE_UNJOINED, 0, 1},
	    {"unknown client", {"client", "198.51.100.1"}, "joe", "", MESSAGE_UNJOINED, 0, 1},
	    {"unknown, but its own client matches", {"client", "192.0.2.77"}, "", "",
		MESSAGE_UNJOINED, O, 0},
	    {"unknown, and not asked", {"", "sub.example.com"}, "", "", MESSAGE_UNJOINED, E, 0},
	    {"unknown login, other sender", {"", "z.example", "login", "joe"}, "", "",
		MESSAGE_UNJOINED, 0, 0},
	    {"unknown login, other client", {"client", "198.51.100.2", "login", "joe"}, "",
		"198.51.100.1", MESSAGE_UNJOINED, 0, 0},
	    {"unknown login, other recipient", {"recipient", "z.example", "login", "joe"}, "", "",
		MESSAGE_UNJOINED, 0, 0},
	    {"no filter", {"login", "joe"}, "", "", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector_notes notes = {0};
		struct selector s;
		struct message m;
		unsigned got;

		usual(&m);
		m.flags |= cases[i].flags;
		m.first.login = cases[i].login;
		if (cases[i].client[0])
			assert_int_equal(net_parse(cases[i].client, &m.first.client), 0);
		fill(&s, cases[i].words);
		got = selector_match(&s, &m, &notes);
		if (got != cases[i].want || notes.unjoined != cases[i].unjoined)
			case_fail(cases[i].name, "got %u, %u unjoined", got, notes.unjoined);
		selector_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_halves),
	    cmocka_unit_test(test_queued_alone),
	    cmocka_unit_test(test_queued_recipients),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_first_pass),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
