/* SPDX-License-Identifier: ISC */
/*
 * Searching rule sets: a naive search as a second opinion on random rules, a cost that does not
 * grow with the rules, and many threads at once.
 */
#include <pthread.h>

#include "base/clock.h"
#include "tests/unit/rules/rule_words.h"

/* The test's own generator, so that a failure can be repeated. */
static unsigned roll(uint64_t *seed, unsigned sides)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)((*seed >> 33) % sides);
}

static const char *const names[] = {
    "a.test", "b.a.test", "c.b.a.test", "test", "x.test", "ba.test", "[192.0.2.1]", "-a.test"};
static const char *const locals[] = {"u", "V", "\"q q\""};
static const char *const nets[] = {
    "192.0.2.1", "192.0.2.0/24", "192.0.0.0/16", "0.0.0.0/0", "2001:db8::/32", "::/0"};
static const char *const regexes[] = {"/a/", "/^u@/i", "/<>/", "/test$/", "/@b/"};

static const char *const logins[] = {
    "login:l0", "login:L1@a.test", "login:@a.test", "login:/l/", "login:/^L1/"};

static void random_subject(uint64_t *seed, char *buf, size_t size)
{
	const char *name = names[roll(seed, COUNT_OF(names))];

	switch (roll(seed, 7)) {
	case 0:
		snprintf(buf, size, "%s", logins[roll(seed, COUNT_OF(logins))]);
		return;
	case 1:
		snprintf(buf, size, "client:%s", nets[roll(seed, COUNT_OF(nets))]);
		return;
	case 2:
		snprintf(buf, size, "%s@%s", locals[roll(seed, COUNT_OF(locals))], name);
		return;
	case 3:
		snprintf(buf, size, ".%s", names[roll(seed, 6)]);
		return;
	case 4:
		snprintf(buf, size, "%s", regexes[roll(seed, COUNT_OF(regexes))]);
		return;
	case 5:
		snprintf(buf, size, "<>");
		return;
	default:
		snprintf(buf, size, "%s", name[0] == '-' ? "a.test" : name);
	}
}

static void random_rules(uint64_t *seed, struct rule_list *list, bool of_file)
{
	unsigned count = roll(seed, 9);
	struct err err = {{0}};
	struct rule r;
	char subject[64];

	for (unsigned i = 0; i < count; i++) {
		random_subject(seed, subject, sizeof(subject));
		if (rule_make(subject, (enum rule_action)roll(seed, 6), NULL, &r, &err) != 0)
			fail_msg("'%s': %s", subject, err.text);
		r.line = of_file ? i + 1 : 0;
		r.expires = !of_file && roll(seed, 4) == 0 ? NOW : 0;
		assert_int_equal(rule_list_add(list, &r), 0);
	}
}

static void random_mail(uint64_t *seed, char *buf, size_t size)
{
	static const char *const clients[] = {"", "client:192.0.2.1|", "client:192.0.3.1|",
	    "client:2001:db8::1|", "client:2001:db9::1|"};
	static const char *const given[] = {"", "login:L0|", "login:l1@a.test|", "login:x@A.test|"};
	static const char *const lone[] = {"<>", "root", "U@x.b.a.test", "u@a.test."};
	const char *client = clients[roll(seed, COUNT_OF(clients))];
	const char *login = given[roll(seed, COUNT_OF(given))];

	if (roll(seed, 4) == 0)
		snprintf(buf, size, "%s%s%s", login, client, lone[roll(seed, COUNT_OF(lone))]);
	else
		snprintf(buf, size, "%s%s%s@%s", login, client, locals[roll(seed, 2)],
		    names[roll(seed, COUNT_OF(names))]);
}

/* find() compares with the naive search; this gives it much to compare. */
static void test_against_naive(void **state)
{
	uint64_t seed = 20261123;
	unsigned hits = 0;

	(void)state;
	for (unsigned turn = 0; turn < 300; turn++) {
		struct rule_list file = {0}, command = {0};
		struct ruleset *set;

		random_rules(&seed, &file, true);
		random_rules(&seed, &command, false);
		set = ruleset_new(&file, turn % 2 ? &command : NULL, false);
		assert_non_null(set);
		if (turn % 2 == 0) {
			struct ruleset *first = set;

			set = ruleset_with(first, RULE_OF_COMMAND, &command);
			assert_non_null(set);
			ruleset_unref(first);
		}
		for (unsigned i = 0; i < 20; i++) {
			char mail[200];

			random_mail(&seed, mail, sizeof(mail));
			hits += find(set, mail).rule != NULL;
		}
		ruleset_unref(set);
	}
	/* Neither all nor none, or the comparison would be worth little. */
	assert_true(hits > 1000 && hits < 5500);
}

static struct ruleset *many_rules(unsigned count)
{
	struct rule_list list = {0};
	char line[64];
	struct rule r;

	for (unsigned i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "%sd%u.example REJECT", i % 2 ? "." : "", i);
		assert_int_equal(rule_parse(line, &r, NULL), 0);
		r.line = i + 1;
		assert_int_equal(rule_list_add(&list, &r), 0);
	}
	return ruleset_new(&list, NULL, false);
}

/* The best of several rounds of 1,000 searches, in microseconds. */
static int64_t search_cost(struct ruleset *set)
{
	struct ruleset_query query = {.login = "bob", .wall = NOW};
	struct address address;
	int64_t best = INT64_MAX;

	address_envelope("user@a.b.c.d1.example", NULL, &address);
	query.address = &address;
	for (unsigned round = 0; round < 30; round++) {
		int64_t begun = clock_steady(), cost;

		for (unsigned i = 0; i < 1000; i++)
			assert_non_null(ruleset_find(set, &query).rule);
		cost = clock_steady() - begun;
		best = cost < best ? cost : best;
	}
	return best;
}

static void test_cost(void **state)
{
	struct ruleset *few = many_rules(10), *many = many_rules(50000);
	int64_t cost_few, cost_many;

	(void)state;
	assert_non_null(few);
	assert_non_null(many);
	cost_few = search_cost(few);
	cost_many = search_cost(many);
	/* Five thousand times the rules: a linear search would show, while a cold cache costs only
	 * a little. */
	if (cost_many > 20 * cost_few + 100)
		fail_msg("%lld us against %lld us", (long long)cost_many, (long long)cost_few);
	ruleset_unref(few);
	ruleset_unref(many);
}

struct worker {
	struct ruleset *set;
	unsigned found;
};

static void *search_much(void *arg)
{
	struct worker *w = arg;
	struct ruleset_query query = {.wall = NOW};
	struct address address;

	query.address = &address;
	for (unsigned i = 0; i < 2000; i++) {
		struct ruleset *set = ruleset_ref(w->set);
		struct ruleset_hit hit;

		address_envelope(i % 2 ? "spam7@x.example" : "u@a.test", NULL, &address);
		hit = ruleset_find(set, &query);
		if (hit.rule) {
			w->found++;
			rule_hit(hit.rule);
		}
		ruleset_unref(set);
	}
	return NULL;
}

/* Many threads on one set, with expressions; for TSan. */
static void test_threads(void **state)
{
	static const char *const file[] = {NULL}, *const command[] = {
						      "/^spam[0-9]+@/ REJECT", ".test HOLD", NULL};
	struct worker workers[4];
	pthread_t threads[4];
	uint64_t hits = 0;
	struct ruleset *set = build(file, command);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		workers[i] = (struct worker){.set = set};
		assert_int_equal(pthread_create(&threads[i], NULL, search_much, &workers[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].found, 2000);
	}
	for (size_t i = 0; i < ruleset_count(set); i++)
		hits += rule_hits(ruleset_at(set, i));
	assert_int_equal(hits, COUNT_OF(threads) * 2000);
	ruleset_unref(set);
}

UNIT_MAIN(cmocka_unit_test(test_against_naive), cmocka_unit_test(test_cost),
    cmocka_unit_test(test_threads))
