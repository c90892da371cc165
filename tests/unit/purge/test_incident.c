/* SPDX-License-Identifier: ISC */
/* The model of a report; hostile content stays text on the page. */
#include "tests/unit/unit.h"

#include "base/array.h"
#include "base/clock.h"
#include "purge/report/page.h"

#define MINUTES(n) (INT64_C(1700000000) / 60 * 60 + (n)*60)

static const struct batch plain = {.number = 1,
    .time = MINUTES(9) * USEC_PER_SEC,
    .user = (char *)"root",
    .verb = (char *)"purge",
    .command = (char *)"pqpurge-idx example.com",
    .reason = (char *)"",
    .selector = (char *)"example.com",
    .token = (char *)"",
    .matched = 5,
    .done = 5};

static struct incident new_incident(void)
{
	return (struct incident){.asked = "", .host = "mx.example", .user = "root", .made = 1};
}

static void add_entry(struct account_entries *e, const char *id, int64_t seconds)
{
	struct account_entry entry = {.arrival_time = seconds * USEC_PER_SEC};

	snprintf(entry.queue_id.text, sizeof(entry.queue_id.text), "%s", id);
	assert_int_equal(array_add(e, entry), 0);
}

static void test_minutes(void **state)
{
	struct recalled r = {.number = 1, .effect = EFFECT_DELETES, .ids = true};
	struct incident i = new_incident();
	struct recall recall = {0};

	(void)state;
	add_entry(&recall.messages[EFFECT_DELETES], "A1", MINUTES(3) + 59);
	add_entry(&recall.messages[EFFECT_DELETES], "A2", MINUTES(1));
	add_entry(&recall.messages[EFFECT_DELETES], "A3", MINUTES(3));
	add_entry(&recall.messages[EFFECT_HOLDS], "A4", MINUTES(3) + 1);
	add_entry(&recall.messages[EFFECT_HOLDS], "A5", 0);
	add_entry(&recall.messages[EFFECT_HOLDS], "A6", INT64_MAX / USEC_PER_SEC);
	incident_add_batch(&i, &plain, &r);
	incident_add_messages(&i, &recall);
	incident_add_waiting(&i, (MINUTES(1) + 7) * USEC_PER_SEC, 100, QUEUE_DEFERRED, false);
	incident_add_waiting(&i, MINUTES(20) * USEC_PER_SEC, -1, QUEUE_HOLD, false);
	incident_add_waiting(&i, MINUTES(3) * USEC_PER_SEC, 5, QUEUE_HOLD, true);
	assert_int_equal(incident_close(&i), 0);
	assert_int_equal(i.minutes.count, 3);
	assert_int_equal(i.minutes.list[0].time, MINUTES(1));
	assert_int_equal(i.minutes.list[0].counts[FATE_DELETED], 1);
	assert_int_equal(i.minutes.list[0].counts[FATE_WAITING], 1);
	assert_int_equal(i.minutes.list[1].counts[FATE_DELETED], 2);
	assert_int_equal(i.minutes.list[1].counts[FATE_HELD], 1);
	assert_int_equal(i.minutes.list[1].counts[FATE_WAITING], 0);
	assert_int_equal(i.minutes.list[2].counts[FATE_WAITING], 1);
	assert_int_equal(i.undated, 2);
	assert_false(i.twice);
	assert_int_equal(i.left.messages, 3);
	assert_int_equal(i.left.bytes, 105);
	assert_int_equal(i.left.queues[4], 2);
	assert_int_equal(i.left.since, 1);
	assert_int_equal(i.left.newest, MINUTES(20) * USEC_PER_SEC);
	account_entries_release(&recall.messages[EFFECT_DELETES]);
	account_entries_release(&recall.messages[EFFECT_HOLDS]);
	incident_release(&i);
}

/* After a rewriting of the log the facts remain, or not even those. */
static void test_without_ids(void **state)
{
	struct recall_minute minutes[] = {
	    {MINUTES(0), 3}, {MINUTES(1), 1}, {-7, 4}, {INT64_MAX, 1}};
	struct recalled r = {.number = 1,
	    .effect = EFFECT_HOLDS,
	    .facts = true,
	    .arrivals = {minutes, COUNT_OF(minutes), COUNT_OF(minutes)}};
	struct batch undone = plain;
	struct incident i = new_incident();
	struct recall recall = {0};

	(void)state;
	undone.state = ACCOUNT_UNDONE;
	undone.done = 12;
	incident_add_batch(&i, &undone, &r);
	incident_add_messages(&i, &recall);
	assert_int_equal(incident_close(&i), 0);
	assert_int_equal(i.minutes.count, 2);
	assert_int_equal(i.minutes.list[0].counts[FATE_FREED], 3);
	assert_int_equal(i.undated, 8);
	assert_int_equal(i.notes.len, 0);
	incident_release(&i);
}

static void test_notes(void **state)
{
	static const struct {
		const char *name;
		enum account_state state;
		bool running, facts, ids;
		const char *want;
	} cases[] = {
	    {"whole", ACCOUNT_DONE, false, true, true, ""},
	    {"killed", ACCOUNT_UNFINISHED, false, false, true, "was interrupted before"},
	    {"killed and undone", ACCOUNT_UNDONE, false, false, true, "was interrupted before"},
	    {"running", ACCOUNT_UNFINISHED, true, false, true, "still runs"},
	    {"lost", ACCOUNT_DONE, false, false, false, "was rewritten"},
	    {"refused", ACCOUNT_REFUSED, false, false, false, ""},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct recalled r = {.number = 1, .facts = cases[n].facts, .ids = cases[n].ids};
		struct incident i = new_incident();
		struct batch b = plain;

		b.state = cases[n].state;
		b.running = cases[n].running;
		incident_add_batch(&i, &b, &r);
		assert_int_equal(incident_close(&i), 0);
		if (*cases[n].want)
			case_assert(cases[n].name,
			    i.notes.len && strstr(strbuf_text(&i.notes), cases[n].want));
		else
			case_assert(cases[n].name, i.notes.len == 0);
		incident_release(&i);
	}
}

static void test_tables(void **state)
{
	struct incident i = new_incident();
	const struct incident_table *t = &i.tables[FACT_LOGINS];

	(void)state;
	incident_add_count(&i, FACT_LOGINS, COLUMN_DELETED, "joe", 5);
	incident_add_count(&i, FACT_LOGINS, COLUMN_WAITING, "joe", 2);
	incident_add_count(&i, FACT_LOGINS, COLUMN_WAITING, "ann", 9);
	incident_add_count(&i, FACT_LOGINS, COLUMN_HELD, "nobody", 0);
	assert_int_equal(incident_close(&i), 0);
	assert_int_equal(t->count, 2);
	assert_string_equal(t->rows[0].name, "ann");
	assert_int_equal(t->rows[1].counts[COLUMN_DELETED], 5);
	assert_int_equal(t->rows[1].counts[COLUMN_WAITING], 2);
	assert_false(t->used[COLUMN_HELD]);
	incident_release(&i);
}

static void test_nameless(void **state)
{
	struct recall_count joe = {(char *)"joe", 2};
	struct recalled r = {.number = 1,
	    .effect = EFFECT_DELETES,
	    .facts = true,
	    .tables = {[FACT_LOGINS] = {&joe, 1, 1, 1}}};
	struct incident i;

	(void)state;
	for (int adopted = 0; adopted < 2; adopted++) {
		const struct incident_table *t = &i.tables[FACT_LOGINS];

		i = new_incident();
		r.adopted = adopted;
		incident_add_batch(&i, &plain, &r);
		assert_int_equal(incident_close(&i), 0);
		assert_int_equal(t->count, adopted ? 1 : 2);
		assert_string_equal(t->rows[adopted ? 0 : 1].name, "joe");
		assert_int_equal(t->rows[0].counts[COLUMN_DELETED], 2);
		assert_int_equal(t->others[COLUMN_DELETED], 1);
		assert_int_equal(i.tables[FACT_CLIENTS].count, adopted ? 0 : 1);
		incident_release(&i);
	}
}

static void test_many_rules(void **state)
{
	const struct rule rule = {.set_time = 1};

	(void)state;
	for (size_t more = 0; more < 3; more++) {
		struct incident i = new_incident();
		char want[64];

		for (size_t n = 0; n < 50 + more; n++)
			incident_add_rule(&i, &rule);
		assert_int_equal(incident_close(&i), 0);
		assert_int_equal(i.rules.count, 50);
		snprintf(want, sizeof(want), "%zu more rule%s set since %s left out here.", more,
		    more == 1 ? " that was" : "s that were", more == 1 ? "is" : "are");
		assert_string_equal(strbuf_text(&i.notes), more ? want : "");
		incident_release(&i);
	}
}

static void test_bars(void **state)
{
	static const struct {
		const char *name;
		int64_t span; /* minutes between the first and the last */
		int64_t width;
	} cases[] = {{"one", 0, 1}, {"an hour", 59, 1}, {"two hours", 120, 2}, {"a day", 1440, 15},
	    {"a week", 10080, 120}, {"since 1970", 28333333, 368640}};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct incident_minute list[] = {
		    {.time = INT64_C(60000000) * 60 - cases[n].span * 60, .counts = {1, 2, 3, 4}},
		    {.time = INT64_C(60000000) * 60, .counts = {1, 0, 0, 1}}};
		struct incident_minutes m = {list, cases[n].span ? 2 : 1, 2}, bars;
		int64_t width;

		assert_int_equal(incident_bars(&m, 120, &width, &bars), 0);
		if (width != cases[n].width * 60)
			case_fail(cases[n].name, "width %" PRId64, width / 60);
		case_assert(cases[n].name, bars.count == m.count);
		case_assert(cases[n].name, bars.list[0].counts[FATE_WAITING] == 4);
		free(bars.list);
	}
}

static void test_origin(void **state)
{
	static const struct {
		const char *name, *token;
		uint64_t uid;
		const char *want;
	} cases[] = {
	    {"root", "", 0, ""},
	    {"an operator", "", 1001, "through the order door"},
	    {"the daemon", "flood:12", 105, "the flood watch, flood 12"},
	    {"the fleet", "fleet:0b-1", 0, "fleet order 0b-1"},
	    {"a standing order", "standing:7", 0, "standing order 7"},
	};
	char text[128];

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct batch b = plain;

		b.token = (char *)cases[n].token;
		b.uid = cases[n].uid;
		case_assert_text(
		    cases[n].name, incident_origin(&b, text, sizeof(text)), cases[n].want);
	}
}

/* ---- the page */

#define EVIL "x\"'><script>alert(1)</script><!--\u202e\x1b]0;y\x07"

static size_t count_words(const char *text, const char *word)
{
	size_t count = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		count++;
	}
	return count;
}

static void make_evil(struct incident *i, const struct batch *b, const struct recalled *r)
{
	static const struct rule rule = {.subject = (char *)EVIL,
	    .action = RULE_REJECT,
	    .author = (char *)EVIL,
	    .reason = (char *)EVIL,
	    .set_time = 1,
	    .expires = 2,
	    .hits = 3};

	i->asked = i->host = i->user = EVIL;
	i->flood = (struct incident_flood){.id = 3,
	    .kind = EVIL,
	    .key = EVIL,
	    .signal = EVIL,
	    .action = EVIL,
	    .mark = EVIL,
	    .since = 1700000000};
	incident_add_batch(i, b, r);
	for (int t = 0; t < FACT_TABLES; t++)
		incident_add_count(i, (enum fact_kind)t, COLUMN_WAITING, EVIL, 7);
	incident_note(i, "%s", EVIL);
	assert_int_equal(array_add(&i->rules, &rule), 0);
}

static void test_hostile_page(void **state)
{
	static const enum incident_kind kinds[] = {INCIDENT_QUEUE, INCIDENT_BATCH, INCIDENT_FLOOD};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(kinds); n++) {
		const struct batch evil = {.number = 1,
		    .time = MINUTES(1) * USEC_PER_SEC,
		    .uid = 7,
		    .user = (char *)EVIL,
		    .verb = (char *)EVIL,
		    .command = (char *)EVIL,
		    .reason = (char *)EVIL,
		    .selector = (char *)EVIL,
		    .token = (char *)"fleet:" EVIL};
		struct recalled r = {.number = 1, .effect = EFFECT_DELETES, .ids = true};
		struct incident i = new_incident();
		struct recall recall = {0};
		struct strbuf page = {0};

		i.kind = kinds[n];
		i.batch = 1;
		make_evil(&i, &evil, &r);
		add_entry(&recall.messages[EFFECT_DELETES], "A1", MINUTES(0));
		incident_add_messages(&i, &recall);
		i.left.why = EVIL;
		assert_int_equal(incident_close(&i), 0);
		assert_int_equal(page_write(&i, &page), 0);
		assert_null(strstr(page.text, "<script"));
		assert_null(strstr(page.text, "<!--"));
		assert_null(strchr(page.text, '\x1b'));
		assert_null(strstr(page.text, "\u202e"));
		assert_true(count_words(page.text, "&lt;script&gt;") > 12);
		assert_int_equal(count_words(page.text, "<style>"), 1);
		assert_non_null(strstr(page.text, "</html>"));
		account_entries_release(&recall.messages[EFFECT_DELETES]);
		strbuf_release(&page);
		incident_release(&i);
	}
}

static void test_hostile_numbers(void **state)
{
	struct recall_minute minutes[] = {
	    {60, UINT64_C(1000000000000)}, {INT64_C(9999999960), UINT64_C(1000000000000)}};
	struct recalled r = {.number = UINT64_MAX,
	    .effect = EFFECT_DELETES,
	    .facts = true,
	    .arrivals = {minutes, COUNT_OF(minutes), COUNT_OF(minutes)}};
	struct incident i = new_incident();
	struct recall recall = {0};
	struct strbuf page = {0};
	struct batch b = plain;

	(void)state;
	b.time = INT64_MAX;
	b.done = b.matched = b.failed = UINT64_MAX;
	incident_add_batch(&i, &b, &r);
	b.time = INT64_MIN;
	incident_add_batch(&i, &b, &r);
	incident_add_messages(&i, &recall);
	assert_int_equal(incident_close(&i), 0);
	assert_int_equal(page_write(&i, &page), 0);
	assert_non_null(strstr(page.text, "</svg>"));
	strbuf_release(&page);
	incident_release(&i);
}

UNIT_MAIN(cmocka_unit_test(test_minutes), cmocka_unit_test(test_without_ids),
    cmocka_unit_test(test_notes), cmocka_unit_test(test_tables), cmocka_unit_test(test_nameless),
    cmocka_unit_test(test_many_rules), cmocka_unit_test(test_bars), cmocka_unit_test(test_origin),
    cmocka_unit_test(test_hostile_page), cmocka_unit_test(test_hostile_numbers))
