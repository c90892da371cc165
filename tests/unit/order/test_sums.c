/* SPDX-License-Identifier: ISC */
/* The account's sums: every batch counts once, even after the log has dropped it. */
#include "tests/unit/order/account.h"

#include "order/account/ledger.h"

static struct sums sums_of(struct walk *w)
{
	struct sums sums;

	if (sums_read(&w->settings, NULL, &sums, &w->err) < 0)
		fail_msg("%s", w->err.text);
	return sums;
}

static void append_text(const struct walk *w, const char *text)
{
	append_log(w, text, strlen(text));
}

static void assert_sum(const char *name, const struct sum *got, const struct sum *want)
{
	if (memcmp(got, want, sizeof(*got)) != 0)
		case_fail(name, "%llu batches, %llu done, %llu gone, %llu changed, %llu failed",
		    (unsigned long long)got->batches, (unsigned long long)got->done,
		    (unsigned long long)got->gone, (unsigned long long)got->changed,
		    (unsigned long long)got->failed);
}

static void test_lines(void **state)
{
	static const struct {
		const char *name, *text;
		enum sum_verb verb;
		struct sum want;
	} cases[] = {
	    {"nothing", "", SUM_PURGE, {0}},
	    {"two batches",
		"{\"begin\":1,\"verb\":\"purge\"}\n"
		"{\"end\":1,\"matched\":9,\"done\":3,\"gone\":2,\"changed\":1,\"failed\":4}\n"
		"{\"begin\":2,\"verb\":\"purge\"}\n{\"end\":2,\"done\":10}\n",
		SUM_PURGE, {2, 13, 2, 1, 4}},
	    {"another verb", "{\"begin\":1,\"verb\":\"hold\"}\n{\"end\":1,\"done\":3}\n", SUM_HOLD,
		{1, 3, 0, 0, 0}},
	    {"no verb of ours", "{\"begin\":1,\"verb\":\"x\\\"} 9\"}\n{\"end\":1,\"done\":3}\n",
		SUM_PURGE, {0}},
	    {"one that was killed",
		"{\"begin\":1,\"verb\":\"purge\"}\n{\"chunk\":1,\"part\":1,\"ids\":\"0AAAA1 5\"}\n"
		"{\"done\":1,\"part\":1}\n{\"chunk\":1,\"part\":2,\"ids\":\"0AAAA2 5 0AAAA3 5\"}\n",
		SUM_PURGE, {1, 1, 0, 0, 0}},
	    {"dropped ones",
		"{\"sums\":7,\"verb\":\"undo\",\"done\":70,\"gone\":1,\"changed\":2,\"failed\":3}\n"
		"{\"begin\":9,\"verb\":\"undo\"}\n{\"end\":9,\"done\":5}\n",
		SUM_UNDO, {8, 75, 1, 2, 3}},
	    {"more than there is room for",
		"{\"sums\":1,\"verb\":\"retry\",\"done\":9223372036854775807}\n"
		"{\"sums\":1,\"verb\":\"retry\",\"done\":9223372036854775807}\n",
		SUM_RETRY, {2, INT64_MAX, 0, 0, 0}},
	    {"below zero", "{\"sums\":1,\"verb\":\"retry\",\"done\":-5}\n", SUM_RETRY,
		{1, INT64_MAX, 0, 0, 0}},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		append_text(&w, cases[n].text);
		struct sums sums = sums_of(&w);
		assert_sum(cases[n].name, &sums.verbs[cases[n].verb], &cases[n].want);
		close_walk(&w);
	}
}

static void test_nothing_there(void **state)
{
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	assert_int_equal(sums_of(&w).verbs[SUM_PURGE].batches, 0);
	assert_int_equal(rmdir(w.state), 0);
	assert_int_equal(sums_of(&w).verbs[SUM_PURGE].batches, 0);
	close_walk(&w);
}

/* More batches than are kept, and large ones, so that the log is rewritten. */
static void fill_log(const struct walk *w, unsigned count)
{
	struct strbuf ids = {0}, lines = {0};

	for (unsigned n = 0; n < 300; n++)
		strbuf_printf(&ids, "%s%05XABCDEF 1700000000000000", n ? " " : "", n);
	strbuf_puts(&lines, "{\"sums\":7,\"verb\":\"purge\",\"done\":70}\n");
	for (unsigned n = 1; n <= count; n++)
		strbuf_printf(&lines,
		    "{\"begin\":%u,\"verb\":\"%s\"}\n{\"chunk\":%u,\"part\":1,\"ids\":\"%s\"}\n"
		    "{\"done\":%u,\"part\":1}\n{\"end\":%u,\"done\":300,\"gone\":1}\n",
		    n, n % 2 ? "purge" : "retry", n, ids.text, n, n);
	append_log(w, lines.text, lines.len);
	assert_true(lines.len > ACCOUNT_BYTES);
	strbuf_release(&lines);
	strbuf_release(&ids);
}

static void test_log_written_anew(void **state)
{
	struct batches batches;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill_log(&w, ACCOUNT_KEEP + 500);
	struct sums want = sums_of(&w);
	assert_int_equal(want.verbs[SUM_PURGE].batches, 7 + ACCOUNT_KEEP / 2 + 250);
	assert_int_equal(want.verbs[SUM_PURGE].done, 70 + 300 * (ACCOUNT_KEEP / 2 + 250));
	w.ids[0] = add(&w, QUEUE_DEFERRED, 40);
	w.order.verb = "purge";
	ask_for(&w, &w.selector.author, "bad.example");
	run(&w); /* its writer rewrites the log */
	assert_int_equal(results(&w, RESULT_DONE), 1);
	newest(&w, &batches);
	assert_true(batches.count <= ACCOUNT_KEEP + 1);
	batches_release(&batches);
	want.verbs[SUM_PURGE].batches++;
	want.verbs[SUM_PURGE].done++;
	struct sums got = sums_of(&w);
	for (size_t n = 0; n < SUM_VERBS; n++)
		assert_sum(sum_verb_word((enum sum_verb)n), &got.verbs[n], &want.verbs[n]);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_lines), cmocka_unit_test(test_nothing_there),
    cmocka_unit_test(test_log_written_anew))
