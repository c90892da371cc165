/* SPDX-License-Identifier: ISC */
/* The counts by group, without an index: times, caps, and the form of an answer. */
#include "tests/unit/index/fixture.h"

#include <malloc.h>

#include "index/census/arrivals.h"
#include "index/census/census.h"

#define MINUTE (60 * USEC_PER_SEC)
#define NOW    (INT64_C(30000000) * MINUTE)

/* ---- arrivals */

static uint64_t total(const struct arrivals *a)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < a->count; i++)
		sum += a->list[i].count;
	return sum;
}

static void check_order(const struct arrivals *a)
{
	assert_true(a->count <= ARRIVALS_MAX);
	for (uint16_t i = 0; i < a->count; i++) {
		uint32_t end = a->list[i].minute + arrivals_width(a, &a->list[i]);

		assert_true(a->list[i].count > 0);
		assert_true(i + 1 == a->count || end <= a->list[i + 1].minute);
	}
}

static void check_same(const struct arrivals *a, const struct arrivals *b)
{
	assert_int_equal(a->count, b->count);
	for (uint16_t i = 0; i < a->count; i++) {
		assert_int_equal(a->list[i].minute, b->list[i].minute);
		assert_int_equal(a->list[i].count, b->list[i].count);
	}
}

/* After any history, the blocks equal those of a fresh count. */
static void test_arrivals_history(void **state)
{
	enum { MOST = 600, STEPS = 6000 };
	struct arrivals a = {0}, fresh = {0};
	uint32_t there[MOST], now = 1000000;
	size_t count = 0;

	(void)state;
	srand(7);
	for (int step = 0; step < STEPS; step++) {
		now += rand() % 50 == 0 ? (uint32_t)rand() % 300 : rand() % 8 == 0;
		if (count < MOST && (count == 0 || rand() % 5 < 3)) {
			there[count] = now - (uint32_t)(rand() % 3 ? rand() % 30 : rand() % 20000);
			assert_int_equal(arrivals_add(&a, there[count++], now), 0);
		} else {
			size_t gone = (size_t)rand() % count;

			arrivals_remove(&a, there[gone], now);
			there[gone] = there[--count];
		}
		if (step % 100)
			continue;
		arrivals_settle(&a, now);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(arrivals_add(&fresh, there[i], now), 0);
		check_order(&a);
		check_same(&a, &fresh);
		arrivals_release(&fresh);
	}
	arrivals_release(&a);
}

/* A time is known to an eighth of its age, and the list stays short for any times. */
static void test_arrivals_width(void **state)
{
	struct arrivals a = {0};
	uint32_t now = 30000000;

	(void)state;
	for (uint32_t ago = 0; ago < now; ago += 1 + ago / 16)
		assert_int_equal(arrivals_add(&a, now - ago, now), 0);
	check_order(&a);
	for (uint16_t i = 0; i < a.count; i++) {
		uint32_t width = arrivals_width(&a, &a.list[i]);

		assert_true(width == 1 || (now - a.list[i].minute - width) / 4 >= width);
	}
	arrivals_release(&a);
}

/* If the clock is set back and mail comes from the future, none is lost or counted twice. */
static void test_arrivals_clock(void **state)
{
	struct arrivals a = {0};

	(void)state;
	assert_int_equal(arrivals_add(&a, 1000, 5000), 0);
	assert_int_equal(arrivals_add(&a, 900, 1000), 0);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(arrivals_add(&a, 6000 + i, 5000), 0);
	assert_int_equal(total(&a), 1002);
	check_order(&a);
	for (uint32_t i = 0; i < 1000; i++)
		arrivals_remove(&a, 6000 + i, 6500);
	assert_int_equal(total(&a), 2);
	arrivals_remove(&a, 900, 7000);
	arrivals_remove(&a, 1000, 7000);
	assert_int_equal(total(&a), 0);
	arrivals_remove(&a, 1000, 7000); /* nothing is there, so nothing happens */
	arrivals_release(&a);
}

/* ---- the census */

static struct bytes record_of(const struct mail *mail)
{
	struct message m = fixture_message(mail);
	struct bytes record = {0};

	record_encode(&m, &record);
	assert_false(record.failed);
	return record;
}

static void change(
    struct census *c, const struct mail *before, const struct mail *after, int64_t now)
{
	struct bytes was = {0}, is = {0};

	if (before)
		was = record_of(before);
	if (after)
		is = record_of(after);
	census_change(c, bytes_span(&was), bytes_span(&is), now);
	assert_false(census_failed(c));
	bytes_release(&was);
	bytes_release(&is);
}

static struct json *tell(struct census *c, struct census_question q)
{
	struct strbuf text = {0};
	struct json *answer = NULL;

	q.like = q.like ? q.like : "";
	q.now = q.now ? q.now : NOW;
	q.limit = q.limit ? q.limit : 100;
	assert_int_equal(json_write(&text, census_tell(c, &q)), 0);
	assert_int_equal(json_parse(text.text, text.len, &answer, NULL), 0);
	strbuf_release(&text);
	return answer;
}

static const struct mail joe = {.usec = 1,
    .inode = 100,
    .time = NOW - 3 * MINUTE,
    .sender = "joe@example.com",
    .from = "joe@brand.example",
    .recipient = "u@dest.example",
    .login = "joe",
    .client = "192.0.2.9"};

static void test_kinds(void **state)
{
	static const struct {
		enum group_kind kind;
		const char *want;
	} cases[] = {{GROUP_SENDER, "example.com"}, {GROUP_FROM, "brand.example"},
	    {GROUP_RECIPIENT, "dest.example"}, {GROUP_LOGIN, "joe"}, {GROUP_CLIENT, "192.0.2.9"}};
	struct census *c = census_new(true);

	(void)state;
	change(c, NULL, &joe, NOW);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json *o = tell(c, (struct census_question){.kind = cases[i].kind});
		const struct json *first = json_at(o, "list", 0);

		case_assert(cases[i].want, json_int(o, "groups", -1) == 1);
		case_assert_text(cases[i].want, json_words(first, "group"), cases[i].want);
		case_assert(cases[i].want, json_int(first, "count", -1) == 1);
		case_assert(cases[i].want, json_int(first, "newest", -1) == joe.time);
		case_assert(cases[i].want, json_int(first, "oldest", -1) == joe.time);
		json_free(o);
	}
	census_free(c);
}

static void test_login_case(void **state)
{
	static const struct {
		const char *like;
		bool exact;
		int64_t groups, largest;
	} cases[] = {{"joe", false, 1, 2}, {"JOE", true, 2, 1}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct census_question q = {
		    .kind = GROUP_LOGIN, .like = cases[i].like, .login_exact = cases[i].exact};
		const struct census_question other = {.login_exact = !cases[i].exact};
		struct census *c = census_new(cases[i].exact);
		struct mail upper = joe;

		upper.login = "JOE";
		change(c, NULL, &joe, NOW);
		change(c, NULL, &upper, NOW);
		assert_true(census_answers(c, &q) && !census_answers(c, &other));
		struct json *o = tell(c, q);
		case_assert(cases[i].like, json_int(o, "groups", -1) == cases[i].groups);
		case_assert(cases[i].like,
		    json_int(json_at(o, "list", 0), "count", -1) == cases[i].largest);
		json_free(o);
		change(c, &joe, NULL, NOW);
		change(c, &upper, NULL, NOW);
		o = tell(c, q);
		case_assert(cases[i].like, json_int(o, "groups", -1) == 0);
		json_free(o);
		census_free(c);
	}
}

static int64_t number_at(const struct json *o, const char *key, size_t n)
{
	return json_int(json_at(o, key, n), NULL, -1);
}

/* An arrival counts in its minute, even after it left. A row that changes is no arrival. */
static void test_came(void **state)
{
	struct census *c = census_new(true);
	struct mail read = joe, other = joe;
	struct json *o;

	(void)state;
	read.arrival = joe.time + 1;
	read.queued_sender = "srs@relay.example";
	other.time = NOW - 9 * MINUTE;
	change(c, NULL, &joe, NOW);
	change(c, NULL, &other, NOW);
	change(c, &joe, &read, NOW);
	change(c, &other, NULL, NOW);
	o = tell(c, (struct census_question){.kind = GROUP_RECIPIENT});
	assert_int_equal(json_int(o, "count", -1), 1);
	assert_int_equal(json_int(o, "bytes", -1), 600);
	assert_int_equal(number_at(o, "came", CENSUS_CAME - 1 - 3), 1);
	assert_int_equal(number_at(o, "came", 0), 1);
	json_free(o);
	o = tell(c, (struct census_question){.kind = GROUP_SENDER, .now = NOW + 4 * MINUTE});
	assert_int_equal(json_int(o, "groups", -1), 1);
	assert_string_equal(json_words(json_at(o, "list", 0), "group"), "relay.example");
	assert_int_equal(number_at(json_at(o, "list", 0), "came", CENSUS_CAME - 1 - 7), 1);
	assert_int_equal(number_at(json_at(o, "list", 0), "ages", 1), 1); /* 7 minutes */
	json_free(o);
	census_free(c);
}

static void test_question(void **state)
{
	static const struct {
		const char *name, *like;
		size_t limit;
		int64_t groups;
		size_t told;
	} cases[] = {{"all", "", 100, 30, 30}, {"limit", "", 7, 30, 7}, {"like", "7.EX", 100, 3, 3},
	    {"both", "7.ex", 1, 3, 1}, {"none", "nowhere", 100, 0, 0},
	    {"longer than any name", "a.name.that.is.longer.than.any.there.is.example", 100, 0, 0}};
	struct census *c = census_new(true);
	char sender[64];

	(void)state;
	for (int i = 0; i < 30; i++) {
		struct mail mail = joe;

		snprintf(sender, sizeof(sender), "a@n%d.example", i);
		mail.sender = sender;
		for (int n = 0; n <= i; n++)
			change(c, NULL, &mail, NOW);
	}
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json *o = tell(
		    c, (struct census_question){.like = cases[i].like, .limit = cases[i].limit});

		case_assert(cases[i].name, json_int(o, "groups", -1) == cases[i].groups);
		case_assert(cases[i].name, json_count(o, "list") == cases[i].told);
		case_assert(cases[i].name, json_int(o, "count", -1) == 465);
		for (size_t n = 1; n < cases[i].told; n++)
			case_assert(
			    cases[i].name, json_int(json_at(o, "list", n - 1), "count", -1) >=
					       json_int(json_at(o, "list", n), "count", -1));
		json_free(o);
	}
	census_free(c);
}

/* With invented names without end: growth is seen, nothing is lost, and all of it is freed. */
static void test_cap(void **state)
{
	enum { NAMES = 3 * CENSUS_GROUPS };
	struct census *c = census_new(true);
	int64_t sum;
	char sender[64];
	struct json *o;
	struct mail mail = joe;

	(void)state;
	for (int add = 1; add >= 0; add--)
		for (int i = 0; i < NAMES; i++) {
			mail.sender = sender;
			snprintf(sender, sizeof(sender), "a@n%d.example", i);
			change(c, add ? NULL : &mail, add ? &mail : NULL, NOW);
			mail.sender = "a@flood.example";
			if (i % 4 == 0)
				change(c, add ? NULL : &mail, add ? &mail : NULL, NOW);
			if (!add || i != NAMES - 1)
				continue;
			o = tell(c, (struct census_question){.limit = 1});
			assert_int_equal(json_int(o, "groups", -1), CENSUS_GROUPS);
			assert_string_equal(
			    json_words(json_at(o, "list", 0), "group"), "flood.example");
			assert_int_equal(json_int(json_at(o, "list", 0), "count", -1), NAMES / 4);
			sum = json_int(o, "others", -1) + CENSUS_GROUPS - 1 + NAMES / 4;
			assert_int_equal(sum, NAMES + NAMES / 4);
			json_free(o);
		}
	o = tell(c, (struct census_question){.limit = 1});
	assert_int_equal(json_int(o, "groups", -1), 0);
	assert_int_equal(json_int(o, "others", -1), 0);
	assert_int_equal(json_int(o, "count", -1), 0);
	json_free(o);
	census_free(c);
}

/* With names as long as they can be, and mail of many minutes, for all kinds at once. */
static void test_bytes(void **state)
{
	enum { MANY = CENSUS_GROUPS, TIMES = 75 };
	size_t before = mallinfo2().uordblks;
	struct census *c = census_new(true);
	struct mail mail = joe;
	char domain[241], login[501], sender[300], from[310], recipient[310], client[60];

	(void)state;
	memset(domain, 'd', sizeof domain - 1);
	memset(login, 'l', sizeof login - 1);
	domain[sizeof domain - 1] = login[sizeof login - 1] = '\0';
	for (size_t i = 60; i < sizeof domain - 1; i += 60)
		domain[i] = '.';
	mail.sender = sender;
	mail.from = from;
	mail.recipient = recipient;
	mail.login = login;
	mail.client = client;
	for (int i = 0; i < MANY; i++) {
		snprintf(sender, sizeof sender, "a@%05d%s", i, domain + 5);
		snprintf(from, sizeof from, "f%s", sender);
		snprintf(recipient, sizeof recipient, "r%s", sender);
		snprintf(client, sizeof client, "2001:db8::%x", i);
		login[snprintf(login, sizeof login, "%05d", i)] = 'l';
		int64_t age = 0; /* minutes; each in a block of its own */

		for (int n = 0; n < TIMES; n++, age += 1 + age / 7) {
			mail.time = NOW - age * MINUTE;
			change(c, NULL, &mail, NOW);
		}
	}
	size_t took = mallinfo2().uordblks - before;
	if (took > 40 * 1000 * 1000)
		case_fail("bytes", "%zu", took);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they count by themselves */
	case_assert("counted at all", took > 10 * 1000 * 1000);
#endif
	for (size_t kind = 0; kind < GROUP_KINDS; kind++) {
		struct json *o =
		    tell(c, (struct census_question){.kind = (enum group_kind)kind, .limit = 1});

		assert_int_equal(json_int(o, "count", -1), MANY * TIMES);
		assert_true(json_int(o, "groups", -1) > 1000);
		json_free(o);
	}
	census_free(c);
}

UNIT_MAIN(cmocka_unit_test(test_arrivals_history), cmocka_unit_test(test_arrivals_width),
    cmocka_unit_test(test_arrivals_clock), cmocka_unit_test(test_kinds),
    cmocka_unit_test(test_login_case), cmocka_unit_test(test_came), cmocka_unit_test(test_question),
    cmocka_unit_test(test_cap), cmocka_unit_test(test_bytes))
