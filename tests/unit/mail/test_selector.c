/* SPDX-License-Identifier: ISC */
/*
 * Selectors: rows of options against one message; each kind narrows, the same kind twice is an
 * alternative. A row's options are words as on the command line.
 */
#include "tests/unit/mail/selector_words.h"

static const struct row {
	const char *name;
	const char *words[11];
	unsigned want;
} rows[] = {
    {"nothing", {NULL}, 0},
    {"all", {"all", ""}, O},
    {"by envelope", {"", "sub.example.com"}, E},
    {"by header From", {"", "header.example"}, F},
    {"by the second mailbox", {"", "second@OTHER.example"}, F},
    {"by both", {"", ".example.com", "", "header.example"}, E | F},
    {"parent domain is another", {"", "example.com"}, 0},
    {"domain that ends alike", {"", "ample.com"}, 0},
    {"recipients are no authors", {"", "dest.example"}, 0},
    {"two patterns are alternatives", {"", "nobody.example", "", "header.example"}, F},
    {"null sender", {"", "<>"}, 0},
    {"expression on both", {"", "/example/"}, E | F},
    {"sender", {"sender", "sub.example.com"}, O},
    {"sender is not header From", {"sender", "header.example"}, 0},
    {"senders are alternatives", {"sender", "a.example", "sender", ".example.com"}, O},
    {"from", {"from", "header.example"}, O},
    {"from is not the envelope", {"from", "sub.example.com"}, 0},
    {"froms are alternatives", {"from", "a.example", "from", "other.example"}, O},
    {"sender and from narrow", {"sender", ".example.com", "from", "a.example"}, 0},
    {"sender and from hold", {"sender", ".example.com", "from", "other.example"}, O},
    {"author narrows sender", {"sender", ".example.com", "", "a.example"}, 0},
    {"author and sender", {"sender", ".example.com", "", "header.example"}, F},
    {"recipient", {"recipient", "TWO@dest.example"}, O},
    {"recipient of another domain", {"recipient", "example.com"}, 0},
    {"recipients are alternatives", {"recipient", "a.example", "recipient", "dest.example"}, O},
    {"recipient narrows author", {"", "header.example", "recipient", "a.example"}, 0},
    {"only, where others are", {"recipient", "dest.example", "only", ""}, 0},
    {"only, all named", {"recipient", "dest.example", "recipient", "elsewhere.example", "only", ""},
	O},
    {"only without recipient narrows nothing", {"", "header.example", "only", ""}, F},
    {"only alone is nothing", {"only", ""}, 0},
    {"login", {"login", "bob"}, O},
    {"login with case", {"login", "Bob"}, O},
    {"login with case, exact", {"exact", "", "login", "Bob"}, 0},
    {"login, exact", {"exact", "", "login", "bob"}, O},
    {"login that goes on", {"login", "bobby"}, 0},
    {"login in part", {"login", "bo"}, 0},
    {"logins are alternatives", {"login", "alice", "login", "bob"}, O},
    {"login narrows", {"", "header.example", "login", "alice"}, 0},
    {"Message-ID with brackets", {"message-id", "<abc@mail.example.com>"}, O},
    {"Message-ID without", {"message-id", "abc@mail.example.com"}, O},
    {"Message-ID in part", {"message-id", "abc@mail.example"}, 0},
    {"Message-ID with case", {"message-id", "ABC@mail.example.com"}, 0},
    {"Message-IDs are alternatives", {"message-id", "x", "message-id", "abc@mail.example.com"}, O},
    {"client", {"client", "192.0.2.77"}, O},
    {"client network", {"client", "192.0.2.64/26"}, O},
    {"other network", {"client", "192.0.2.0/26"}, 0},
    {"clients are alternatives", {"client", "2001:db8::/32", "client", "192.0.2.0/24"}, O},
    {"client and login narrow", {"client", "192.0.2.77", "login", "alice"}, 0},
    {"id", {"id", "1A2B3BC614E"}, O},
    {"other id", {"id", "1A2B3BC614F"}, 0},
    {"id in part", {"id", "1A2B3BC614"}, 0},
    {"ids are alternatives", {"id", "F423F1", "id", "1A2B3BC614E", "id", "000001", "id", "000001"},
	O},
    {"no ids given", {"ids", ""}, 0},
    {"no ids given, with all", {"ids", "", "all", ""}, 0},
    {"id and pattern", {"id", "1A2B3BC614E", "", "header.example"}, F},
    {"all and a selector", {"all", "", "login", "alice"}, 0},
    {"everything",
	{"", "header.example", "recipient", "dest.example", "login", "bob", "client", "192.0.2.77",
	    "id", "1A2B3BC614E"},
	F},
};

static void test_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct selector_notes notes = {0};
		unsigned got;
		struct selector s;
		struct message m;

		usual(&m);
		fill(&s, rows[i].words);
		got = selector_match(&s, &m, &notes);
		if (got != rows[i].want)
			case_fail(rows[i].name, "got %u, want %u", got, rows[i].want);
		case_assert(rows[i].name, notes.limits == 0 && notes.unjoined == 0);
		case_assert(rows[i].name, selector_match(&s, &m, NULL) == got);
		selector_release(&s);
	}
}

/* Messages that lack what is asked for. */
static void test_bare_message(void **state)
{
	static const struct row bare[] = {
	    {"null sender", {"", "<>"}, E},
	    {"null sender as sender", {"sender", "<>"}, O},
	    {"a domain", {"", "example.com"}, 0},
	    {"any author", {"", "/./"}, E},
	    {"any from", {"from", "/./"}, 0},
	    {"any recipient", {"recipient", "/./"}, 0},
	    {"any recipient, only", {"recipient", "/./", "only", ""}, 0},
	    {"any client", {"client", "0.0.0.0/0"}, 0},
	    {"any IPv6 client", {"client", "::/0"}, 0},
	    {"login", {"login", "bob"}, 0},
	    {"Message-ID", {"message-id", "x"}, 0},
	    {"all", {"all", ""}, O},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bare); i++) {
		struct selector s;
		struct message m;

		message_init(&m);
		fill(&s, bare[i].words);
		if (selector_match(&s, &m, NULL) != bare[i].want)
			case_fail(bare[i].name, "want %u", bare[i].want);
		selector_release(&s);
	}
}

static void test_other_recipients(void **state)
{
	static const struct {
		const char *name, *words[9];
		uint32_t count, want;
		unsigned matched;
	} cases[] = {
	    {"not asked", {"all", ""}, 3, 0, O},
	    {"two of three", {"recipient", "dest.example"}, 3, 1, O},
	    {"one of three", {"recipient", "one@dest.example"}, 3, 2, O},
	    {"all of three", {"recipient", "/./"}, 3, 0, O},
	    {"none", {"recipient", "a.example"}, 3, 3, 0},
	    {"one matched by two patterns", {"recipient", "dest.example", "recipient", "/^one/"}, 3,
		1, O},
	    {"cut list", {"recipient", "/./"}, 1003, 1000, O},
	    {"cut list, only", {"recipient", "/./", "only", ""}, 1003, 1000, 0},
	    {"a count too small", {"recipient", "one@dest.example"}, 1, 2, O},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s;
		struct message m;

		usual(&m);
		m.recipient_count = cases[i].count;
		fill(&s, cases[i].words);
		case_assert(cases[i].name, selector_other_recipients(&s, &m) == cases[i].want);
		case_assert(cases[i].name, selector_match(&s, &m, NULL) == cases[i].matched);
		selector_release(&s);
	}
}

/* Recipients that were cut may be any: what is recorded decides only where it suffices. */
static void test_nominate(void **state)
{
	static const struct {
		const char *name, *words[9];
		unsigned nominated, matched;
	} cases[] = {
	    {"not asked", {"all", ""}, O, O},
	    {"among the recorded", {"recipient", "dest.example"}, O, O},
	    {"not among them", {"recipient", "z.example"}, O | U, 0},
	    {"only, all recorded match", {"recipient", "/./", "only", ""}, O | U, 0},
	    {"only, not all recorded", {"recipient", "dest.example", "only", ""}, 0, 0},
	    {"other sender", {"recipient", "z.example", "sender", "z.example"}, 0, 0},
	    {"other author", {"recipient", "z.example", "", "z.example"}, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s;
		struct message m;

		usual(&m);
		m.recipient_count += 5;
		m.flags |= MESSAGE_CUT_RECIPIENTS;
		fill(&s, cases[i].words);
		case_assert(cases[i].name, selector_nominate(&s, &m, NULL) == cases[i].nominated);
		case_assert(cases[i].name, selector_match(&s, &m, NULL) == cases[i].matched);
		selector_release(&s);
	}
}

/* A message whose queue file says other things than the client did. */
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

/* A row that was made from the file alone has no given half that could match. */
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

/* What waited when a row was read may have been delivered since: then the file is asked. */
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

/* Header From mailboxes that were cut may be any; the file's whole header decides. */
static void test_cut_from(void **state)
{
	static const struct {
		const char *name, *words[7];
		unsigned nominated, read;
	} cases[] = {
	    {"not asked", {"all", ""}, O, O},
	    {"among the recorded", {"", "header.example"}, F, F},
	    {"not among them", {"", "late.example"}, F | U, F},
	    {"nowhere", {"", "z.example"}, F | U, 0},
	    {"by envelope", {"", "sub.example.com"}, E, E},
	    {"by envelope, and not recorded", {"", "sub.example.com", "", "late.example"}, E,
		E | F},
	    {"from, not recorded", {"from", "late.example"}, O | U, O},
	    {"from, nowhere", {"from", "z.example"}, O | U, 0},
	    {"sender is not header From", {"sender", "late.example"}, 0, 0},
	    {"from, other recipient", {"from", "late.example", "recipient", "z.example"}, 0, 0},
	    {"author and from", {"", "late.example", "from", "header.example"}, F | U, F},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector_header header = {0};
		struct selector s;
		struct address late;
		struct message m;
		unsigned got;

		usual(&m);
		m.flags |= MESSAGE_CUT_FROM;
		fill(&s, cases[i].words);
		got = selector_nominate(&s, &m, NULL);
		if (got != cases[i].nominated)
			case_fail(cases[i].name, "nominated %u", got);
		header.selector = &s;
		address_split("x@late.example", &late);
		selector_header_take(&header, &late);
		got = selector_nominate_read(&s, &m, &header, NULL);
		if (got != cases[i].read)
			case_fail(cases[i].name, "read %u", got);
		header = (struct selector_header){.selector = &s, .cut = true};
		case_assert(cases[i].name,
		    selector_nominate_read(&s, &m, &header, NULL) == cases[i].nominated);
		/* Once the file was read, its list counts. */
		m.queued.known = true;
		m.queued.from = m.from;
		m.queued.sender = m.sender;
		m.queued.recipients = m.recipients;
		case_assert(cases[i].name, !(selector_nominate(&s, &m, NULL) & MATCHED_UNSURE));
		m.flags = MESSAGE_CUT_QUEUED_FROM;
		case_assert(cases[i].name, selector_nominate(&s, &m, NULL) == cases[i].nominated);
		selector_release(&s);
	}
}

static void test_empty(void **state)
{
	struct selector s;

	(void)state;
	selector_init(&s);
	assert_true(selector_is_empty(&s));
	s.all = s.only = true;
	assert_true(selector_is_empty(&s));
	for (size_t i = 1; i < COUNT_OF(rows); i++) {
		struct selector other;
		const char *first = rows[i].words[0];

		fill(&other, rows[i].words);
		if (strcmp(first, "all") != 0 && strcmp(first, "only") != 0)
			case_assert(rows[i].name, !selector_is_empty(&other));
		selector_release(&other);
	}
	s.arrived_before = 1;
	assert_false(selector_is_empty(&s));
	selector_init(&s);
	s.arrived_after = 1;
	assert_false(selector_is_empty(&s));
	selector_init(&s);
	s.larger_than = 0;
	assert_false(selector_is_empty(&s));
	selector_init(&s);
	s.queues = 1;
	assert_false(selector_is_empty(&s));
}

static void test_limits_told(void **state)
{
	struct selector s;
	struct message m;
	char sender[420];
	struct selector_notes notes = {0};

	(void)state;
	usual(&m);
	memset(sender, 'a', 400);
	snprintf(sender + 400, 20, "@example.org");
	m.sender = sender;
	selector_init(&s);
	add_pattern(&s.author, "/^(a+)+$/");
	assert_int_equal(selector_match(&s, &m, &notes), 0);
	assert_int_equal(notes.limits, 1);
	/* The next alternative still counts. */
	add_pattern(&s.author, "example.org");
	assert_int_equal(selector_match(&s, &m, &notes), E);
	assert_int_equal(notes.limits, 2);
	selector_release(&s);
}

/* Only the queue file says who submitted it. */
static void test_uid(void **state)
{
	static const struct {
		const char *name;
		bool read;
		int64_t uid;
		bool want;
	} cases[] = {{"the first", true, 33, true}, {"the second", true, 0, true},
	    {"another", true, 34, false}, {"nobody did", true, -1, false},
	    {"not read yet", false, 33, false}};
	struct selector s;

	(void)state;
	selector_init(&s);
	assert_int_equal(selector_add_uid(&s, 33), 0);
	assert_int_equal(selector_add_uid(&s, 0), 0);
	assert_false(selector_is_empty(&s));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct message m;

		message_init(&m);
		m.queued.known = cases[i].read;
		m.queued.uid = cases[i].uid;
		case_assert(cases[i].name, (selector_match(&s, &m, NULL) != 0) == cases[i].want);
	}
	selector_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_uid),
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_bare_message),
	    cmocka_unit_test(test_other_recipients),
	    cmocka_unit_test(test_nominate),
	    cmocka_unit_test(test_cut_from),
	    cmocka_unit_test(test_halves),
	    cmocka_unit_test(test_queued_alone),
	    cmocka_unit_test(test_queued_recipients),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_first_pass),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_limits_told),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
