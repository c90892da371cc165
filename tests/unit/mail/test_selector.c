/* SPDX-License-Identifier: ISC */
/*
 * Selectors: rows of options against one message. Different kinds narrow; two of a kind are
 * alternatives. A row's options are words as on the command line.
 */
#include "tests/unit/mail/selector_words.h"

static const struct row rows[] = {
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
    {"login by expression", {"login", "/^b.b$/"}, O},
    {"login by expression, in part", {"login", "/^bo$/"}, 0},
    {"login by expression, case", {"login", "/^BOB$/"}, O},
    {"login by expression, case, exact", {"exact", "", "login", "/^BOB$/"}, 0},
    {"login by expression, case by flag, exact", {"exact", "", "login", "/^BOB$/i"}, O},
    {"login without a domain", {"login", "@bob"}, 0},
    {"logins are alternatives, of all kinds", {"login", "@a.example", "login", "/^bo/"}, O},
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

/* Messages without the part that is asked about. */
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

/* Cut recipients may be anything, so the recorded ones decide only where they suffice. */
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

/* Cut header From mailboxes may be anything; the file's whole header decides. */
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

/* Only the queue file names the submitter. */
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
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_limits_told),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
