/* SPDX-License-Identifier: ISC */
/* The account's knowledge of an incident: its batches, messages and facts. */
#include "tests/unit/order/account.h"

#include "order/account/recall.h"

static const struct recalled *find(const struct recall *r, uint64_t number)
{
	for (size_t n = 0; n < r->count; n++)
		if (r->list[n].number == number)
			return &r->list[n];
	return NULL;
}

static void recall(struct walk *w, const struct recall_wish *wish, struct recall *ret)
{
	if (recall_read(&w->settings, wish, NULL, ret, &w->err) < 0)
		fail_msg("%s", w->err.text);
	if (recall_settle(ret, &w->rig.p, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

static void recall_batch(struct walk *w, uint64_t number, struct recall *ret)
{
	recall(w, &(struct recall_wish){.batch = number}, ret);
}

static void write_lines(struct walk *w, const char *lines)
{
	append_log(w, lines, strlen(lines));
}

static void test_no_account(void **state)
{
	struct recall r;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	recall_batch(&w, 1, &r);
	assert_int_equal(r.count + r.highest + r.oldest, 0);
	recall_release(&r);
	w.settings.state_directory = (char *)"/nowhere/at/all";
	recall_batch(&w, 1, &r);
	assert_int_equal(r.count, 0);
	recall_release(&r);
	close_walk(&w);
}

static void test_finished_purge(void **state)
{
	const struct recalled *b;
	struct recall r;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	run_domain(&w);
	recall_batch(&w, 1, &r);
	assert_int_equal(r.count, 1);
	b = find(&r, 1);
	assert_non_null(b);
	assert_true(b->facts && b->ids);
	assert_int_equal(b->tables[FACT_SENDERS].count, 1);
	assert_string_equal(b->tables[FACT_SENDERS].list[0].is, "bad.example");
	assert_int_equal(b->tables[FACT_SENDERS].list[0].count, MAILS);
	assert_int_equal(b->arrivals.count, 1);
	assert_int_equal(b->arrivals.list[0].time, ARRIVAL / USEC_PER_SEC / 60 * 60);
	assert_int_equal(b->arrivals.list[0].count, MAILS);
	assert_int_equal(r.messages[EFFECT_DELETES].count, MAILS);
	assert_int_equal(
	    r.messages[EFFECT_DELETES].list[0].arrival_time / 60000000, ARRIVAL / 60000000);
	assert_null(find(&r, 2));
	recall_release(&r);
	recall_batch(&w, 2, &r);
	assert_int_equal(r.count, 0);
	assert_int_equal(r.highest, 1);
	recall_release(&r);
	close_walk(&w);
}

/* It never learned the fate of its messages, so the queue is asked. */
static void test_killed_purge(void **state)
{
	const struct recalled *b;
	struct recall r;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	ask_for(&w, &w.selector.author, "bad.example");
	run_killed_after(&w, "cp deferred/* ..; honest");
	recall_batch(&w, 1, &r);
	b = find(&r, 1);
	assert_non_null(b);
	assert_true(b->ids);
	assert_false(b->facts);
	assert_int_equal(r.messages[EFFECT_DELETES].count, MAILS);
	assert_int_equal(r.doubt[EFFECT_DELETES].count, 0);
	recall_release(&r);
	close_walk(&w);
}

/* Held, then released: reported once, by the last action, from either batch's number. */
static void test_undone(void **state)
{
	uint64_t number = 1;
	struct recall r;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_HOLD);
	fill(&w, QUEUE_DEFERRED);
	run_domain(&w);
	recall_batch(&w, 1, &r);
	assert_int_equal(r.messages[EFFECT_HOLDS].count, MAILS);
	recall_release(&r);
	undo(&w, &number);
	for (number = 1; number <= 2; number++) {
		recall_batch(&w, number, &r);
		assert_int_equal(r.count, 2);
		assert_int_equal(r.list[1].undoes.count, 1);
		assert_int_equal(r.list[1].undoes.list[0], 1);
		assert_int_equal(r.messages[EFFECT_HOLDS].count, 0);
		assert_int_equal(r.messages[EFFECT_FREES].count, MAILS);
		recall_release(&r);
	}
	close_walk(&w);
}

static const char belongs[] =
    "{\"begin\":1,\"verb\":\"hold\",\"token\":\"flood:12\",\"selector\":\"\"}\n"
    "{\"chunk\":1,\"part\":1,\"ids\":\"4A1B2C 60000000 4A2B2C "
    "60000000\"}\n{\"done\":1,\"part\":1}\n"
    "{\"end\":1,\"done\":2}\n"
    "{\"begin\":2,\"verb\":\"purge\",\"selector\":\"--flood=12 --queue=hold\"}\n"
    "{\"chunk\":2,\"part\":1,\"ids\":\"4A1B2C 60000000\"}\n{\"done\":2,\"part\":1}\n"
    "{\"end\":2,\"done\":1}\n"
    "{\"begin\":3,\"verb\":\"purge\",\"selector\":\"--flood=121\"}\n{\"end\":3}\n"
    "{\"begin\":4,\"verb\":\"hold\",\"token\":\"flood:1\",\"selector\":\"x\"}\n{\"end\":4}\n"
    "{\"begin\":5,\"verb\":\"undo\",\"undoes\":[1],\"selector\":\"\"}\n{\"end\":5}\n"
    "{\"begin\":6,\"verb\":\"purge\",\"token\":\"standing:4\",\"selector\":\"\"}\n{\"end\":6}\n"
    "{\"begin\":7,\"verb\":\"purge\",\"token\":\"fleet:a\",\"selector\":\"x\"}\n"
    "{\"begin\":8,\"verb\":\"purge\",\"token\":\"fleet:a\",\"selector\":\"y\"}\n{\"end\":8}\n";

static void test_what_belongs(void **state)
{
	static const struct {
		const char *name;
		struct recall_wish wish;
		const char *want;
	} cases[] = {
	    {"a batch alone", {.batch = 3}, "3"},
	    {"a flood", {.flood = 12}, "125"},
	    {"its token", {.batch = 1}, "15"},
	    {"another flood", {.flood = 1}, "4"},
	    {"no flood", {.flood = 2}, ""},
	    {"a standing order", {.batch = 4}, "46"},
	    {"one order of the fleet", {.batch = 8}, "78"},
	    {"what was undone", {.batch = 5}, "15"},
	    {"the same selector", {.selector = "x"}, "47"},
	    {"no selector", {.selector = ""}, ""},
	    {"nothing", {0}, ""},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		char got[32] = "";
		struct recall r;
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		write_lines(&w, belongs);
		recall(&w, &cases[n].wish, &r);
		for (size_t i = 0; i < r.count; i++)
			got[i] = (char)('0' + r.list[i].number);
		case_assert(cases[n].name, strcmp(got, cases[n].want) == 0);
		recall_release(&r);
		close_walk(&w);
	}
}

/* Held by the daemon, then deleted by a user: each message counts once. */
static void test_held_then_deleted(void **state)
{
	struct recall r;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	write_lines(&w, belongs);
	recall(&w, &(struct recall_wish){.flood = 12}, &r);
	assert_int_equal(r.messages[EFFECT_DELETES].count, 1);
	assert_string_equal(r.messages[EFFECT_DELETES].list[0].queue_id.text, "4A1B2C");
	assert_int_equal(r.messages[EFFECT_HOLDS].count, 1);
	assert_string_equal(r.messages[EFFECT_HOLDS].list[0].queue_id.text, "4A2B2C");
	recall_release(&r);
	close_walk(&w);
}

/* A batch that is left out takes its messages with it. */
static void test_left_out(void **state)
{
	struct strbuf lines = {0};
	struct recall r;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	for (int n = 1; n <= RECALL_BATCHES + 1; n++)
		strbuf_printf(&lines,
		    "{\"begin\":%d,\"verb\":\"purge\",\"selector\":\"x\"}\n"
		    "{\"chunk\":%d,\"part\":1,\"ids\":\"4A1B2%X 60000000\"}\n"
		    "{\"done\":%d,\"part\":1}\n{\"end\":%d,\"done\":1}\n",
		    n, n, n, n, n);
	write_lines(&w, strbuf_text(&lines));
	recall(&w, &(struct recall_wish){.selector = "x"}, &r);
	assert_int_equal(r.left_out, 1);
	assert_int_equal(r.count, RECALL_BATCHES);
	assert_int_equal(r.list[0].number, 2);
	assert_int_equal(r.messages[EFFECT_DELETES].count, RECALL_BATCHES);
	for (size_t n = 0; n < RECALL_BATCHES; n++)
		assert_string_not_equal(r.messages[EFFECT_DELETES].list[n].queue_id.text, "4A1B21");
	recall_release(&r);
	strbuf_release(&lines);
	close_walk(&w);
}

/* An account that was rewritten: of a batch that ended, its IDs and facts are gone. */
static void test_rewritten(void **state)
{
	struct recall r;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	write_lines(&w, "{\"begin\":40,\"time\":1,\"verb\":\"purge\"}\n{\"end\":40,\"done\":500}\n"
			"{\"kept\":700}\n");
	recall_batch(&w, 40, &r);
	assert_int_equal(r.oldest, 40);
	assert_int_equal(r.count, 1);
	assert_false(r.list[0].facts || r.list[0].ids);
	recall_release(&r);
	close_walk(&w);
}

/* The daemon's account owns the file: nothing in it breaks the reader, and texts come scrubbed. */
static void test_hostile(void **state)
{
	static const struct {
		const char *name, *lines;
	} cases[] = {
	    {"no arrays", "{\"facts\":1,\"arrivals\":7,\"senders\":\"x\",\"undoes\":{}}\n"},
	    {"no objects", "{\"facts\":1,\"arrivals\":[1,null,[2]],\"senders\":[[],3]}\n"},
	    {"numbers",
		"{\"facts\":1,\"arrivals\":[{\"time\":-9e99,\"count\":-1}],"
		"\"senders\":[{\"is\":7,\"count\":9223372036854775807}],\"other_senders\":-5}\n"},
	    {"not the ID of a message", "{\"chunk\":1,\"part\":1,\"ids\":\"../x 1 4A1B2C -1\"}\n"},
	    {"of no batch", "{\"facts\":9,\"arrivals\":[]}\n{\"adopt\":9,\"time\":3}\n"},
	    {"adopted by none", "{\"adopt\":1}\n"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct recall r;
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		write_lines(&w, "{\"begin\":1,\"verb\":\"purge\",\"undoes\":[0,-1,\"x\",1]}\n");
		write_lines(&w, cases[n].lines);
		recall_batch(&w, 1, &r);
		case_assert(cases[n].name, r.count == 1 && r.list[0].number == 1);
		recall_release(&r);
		close_walk(&w);
	}
}

static void put_batch(struct bytes *b, uint32_t undoes, uint32_t minutes, uint32_t counts)
{
	bytes_put_u64(b, 1);
	bytes_put_u8(b, EFFECT_DELETES);
	bytes_put_i64(b, 0);
	bytes_put_u8(b, 1);
	bytes_put_u8(b, 1);
	bytes_put_u32(b, undoes);
	for (uint32_t n = 0; n < undoes; n++)
		bytes_put_u64(b, n);
	bytes_put_u32(b, minutes);
	for (uint32_t n = 0; n < minutes; n++) {
		bytes_put_i64(b, n);
		bytes_put_u64(b, 1);
	}
	for (size_t table = 0; table < FACT_TABLES; table++) {
		bytes_put_u64(b, 0);
		bytes_put_u32(b, counts);
		for (uint32_t n = 0; n < counts; n++) {
			bytes_put_text(b, "x");
			bytes_put_u64(b, 1);
		}
	}
}

/* If the child exceeds its caps, nothing of its answer is used. */
static void test_lying_child(void **state)
{
	static const struct {
		const char *name;
		uint32_t batches, undoes, minutes, counts;
		int want;
	} cases[] = {
	    {"all that it may", RECALL_BATCHES, 1, 1, 1, 0},
	    {"full", 1, RECALL_BATCHES, FACTS_MINUTES, RECALL_COUNTS, 0},
	    {"batches", RECALL_BATCHES + 1, 0, 0, 0, ERR_CHILD},
	    {"undoes", 1, RECALL_BATCHES + 1, 0, 0, ERR_CHILD},
	    {"minutes", 1, 0, FACTS_MINUTES + 1, 0, ERR_CHILD},
	    {"texts", 1, 0, 0, RECALL_COUNTS + 1, ERR_CHILD},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct bytes b = {0};
		struct recall r = {0};
		struct recalling asked = {NULL, &r};

		bytes_put_u64(&b, 1);
		bytes_put_u64(&b, 1);
		bytes_put_u64(&b, 0);
		bytes_put_u32(&b, cases[n].batches);
		for (uint32_t i = 0; i < cases[n].batches; i++)
			put_batch(&b, cases[n].undoes, cases[n].minutes, cases[n].counts);
		for (size_t i = 0; i < 2 * RECALL_EFFECTS; i++)
			bytes_put_text(&b, "");
		assert_false(b.failed);
		case_assert(cases[n].name,
		    ledger_take(bytes_span(&b), &recall_question, &asked, NULL) == cases[n].want);
		recall_release(&r);
		bytes_release(&b);
	}
}

static void test_scrubbed(void **state)
{
	struct recall r;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	write_lines(&w, "{\"begin\":1,\"verb\":\"purge\"}\n{\"facts\":1,\"logins\":["
			"{\"is\":\"a\\u001b\\u202e\\nb\",\"count\":3}],\"other_logins\":4}\n");
	recall_batch(&w, 1, &r);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.list[0].tables[FACT_LOGINS].list[0].is, "a???b");
	assert_int_equal(r.list[0].tables[FACT_LOGINS].others, 4);
	recall_release(&r);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_no_account), cmocka_unit_test(test_finished_purge),
    cmocka_unit_test(test_killed_purge), cmocka_unit_test(test_undone),
    cmocka_unit_test(test_what_belongs), cmocka_unit_test(test_held_then_deleted),
    cmocka_unit_test(test_rewritten), cmocka_unit_test(test_hostile),
    cmocka_unit_test(test_lying_child), cmocka_unit_test(test_left_out),
    cmocka_unit_test(test_scrubbed))
