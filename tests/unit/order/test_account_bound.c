/* SPDX-License-Identifier: ISC */
/* The account's bound: a file beyond it is rewritten, in time of its own. */
#include "tests/unit/order/account.h"

#include <errno.h>
#include <sys/stat.h>

/* Purges of 500 messages each, until the file exceeds its bound. */
static void fill_log(const struct walk *w, uint64_t number)
{
	struct strbuf ids = {0}, lines = {0};
	size_t size = 0;

	for (unsigned n = 0; n < 500; n++)
		strbuf_printf(&ids, "%s%05XABCDEF 1700000000000000", n ? " " : "", n);
	for (; size <= ACCOUNT_BYTES; number++) {
		unsigned long long batch = number;

		strbuf_clear(&lines);
		strbuf_printf(&lines,
		    "{\"begin\":%llu,\"time\":1,\"verb\":\"purge\"}\n"
		    "{\"chunk\":%llu,\"part\":1,\"ids\":\"%s\"}\n{\"done\":%llu,\"part\":1}\n"
		    "{\"end\":%llu,\"done\":500}\n",
		    batch, batch, ids.text, batch, batch);
		append_log(w, lines.text, lines.len);
		size += lines.len;
	}
	strbuf_release(&lines);
	strbuf_release(&ids);
}

/* A partly undone hold, a completely undone one, and a killed one: all survive. */
static void test_rotation(void **state)
{
	struct batches batches;
	uint64_t number, count;
	struct stat st;
	struct walk w;
	char path[128];

	(void)state;
	open_killed(&w, ACTION_HOLD); /* batch 1 */
	w.order.selector_text = "later";
	for (int n = 0; n < 3; n++)
		w.ids[n] = add(&w, QUEUE_DEFERRED, 40 + n);
	run(&w); /* batch 2 */
	assert_int_equal(results(&w, RESULT_DONE), 3);
	w.order.selector_text = "last";
	(void)add(&w, QUEUE_DEFERRED, 50);
	run(&w); /* batch 3 */
	number = 3;
	undo(&w, &number); /* batch 4 */
	assert_int_equal(results(&w, RESULT_DONE), 1);
	w.order.undo_count = 0;
	w.order.undo = NULL;
	fill_log(&w, 5);
	newest(&w, &batches);
	count = batches.count;
	assert_int_equal(batches.list[count - 3].state, ACCOUNT_UNDONE);
	batches_release(&batches);

	w.order.action = ACTION_DELETE;
	w.order.verb = "purge";
	w.selector.ids_given = true; /* one of batch 2 is deleted */
	assert_int_equal(selector_add_id(&w.selector, &w.ids[0]), 0);
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 1);
	assert_int_equal(w.outcome.tally.batch, count + 1);
	log_path(&w, path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 1 << 20);
	newest(&w, &batches);
	assert_int_equal(batches.count, count + 1);
	assert_int_equal(batches.list[1].done, 500);
	assert_int_equal(batches.list[count].state, ACCOUNT_UNFINISHED);
	assert_int_equal(batches.list[count].done, MAILS);
	assert_int_equal(batches.list[count - 1].done, 3);
	assert_int_equal(batches.list[count - 2].state, ACCOUNT_UNDONE);
	batches_release(&batches);

	number = 2;
	undo(&w, &number);
	assert_int_equal(results(&w, RESULT_DONE), 2);
	number = 1;
	undo(&w, &number);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	close_walk(&w);
}

static off_t log_size(const struct walk *w)
{
	char path[128];
	struct stat st;

	log_path(w, path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static struct writer *begin(struct walk *w)
{
	struct account_entries doubt = {0};
	struct writer *writer = NULL;
	uint64_t done;

	if (writer_open(&w->order, &writer, &done, &doubt, &w->err) < 0)
		fail_msg("%s", w->err.text);
	return writer;
}

static void end(struct walk *w, struct writer *writer)
{
	struct strbuf line = {0};

	strbuf_printf(
	    &line, "{\"end\":%llu,\"done\":7}\n", (unsigned long long)writer_batch(writer));
	assert_int_equal(writer_end(writer, &line, &w->err), 0);
	strbuf_release(&line);
}

/* Messages do not wait for the rewriting, which comes last. */
static void test_not_before_the_first_message(void **state)
{
	struct writer *writer;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill_log(&w, 1);
	writer = begin(&w);
	assert_true(log_size(&w) > ACCOUNT_BYTES);
	end(&w, writer);
	writer_close(writer);
	assert_true(log_size(&w) < 1 << 20);
	close_walk(&w);
}

/* An interrupted command leaves it out. */
static void test_not_after_an_interrupt(void **state)
{
	volatile sig_atomic_t stop = 0;
	struct batches batches;
	struct writer *writer;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill_log(&w, 1);
	w.order.stop = &stop;
	writer = begin(&w);
	end(&w, writer);
	stop = 1;
	writer_close(writer);
	assert_int_equal(newest(&w, &batches)->done, 7);
	assert_int_equal(batches.list[0].state, ACCOUNT_DONE);
	batches_release(&batches);
	w.order.stop = NULL;
	close_walk(&w);
}

static void test_others_write_meanwhile(void **state)
{
	enum { OTHERS = 10 };
	struct writer *first, *held;
	struct batches batches;
	uint32_t part;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_HOLD);
	w.order.selector_text = "";
	held = begin(&w); /* batch 1 */
	fill_log(&w, 2);
	first = begin(&w);
	end(&w, first); /* its child now rewrites the log */
	for (int n = 0; n < OTHERS; n++) {
		struct account_entry entry = {.arrival_time = ARRIVAL + n};
		struct writer *writer = begin(&w);

		assert_int_equal(queue_id_parse("0AAAA1", 6, &entry.queue_id), 0);
		assert_int_equal(writer_chunk(held, &entry, 1, &part, &w.err), 0);
		writer_done(held, part, NULL, 0);
		end(&w, writer);
		writer_close(writer);
	}
	writer_close(first);
	writer_close(held);
	assert_true(log_size(&w) < 1 << 20);
	newest(&w, &batches);
	for (int n = 0; n < OTHERS; n++)
		assert_int_equal(batches.list[n].state, ACCOUNT_DONE);
	assert_int_equal(batches.list[0].number, batches.count);
	assert_int_equal(batches.list[batches.count - 1].state, ACCOUNT_UNFINISHED);
	assert_int_equal(batches.list[batches.count - 1].done, OTHERS);
	batches_release(&batches);
	close_walk(&w);
}

/* If the log is too large to read, whoever made it so, mail is still handled and the log is
 * reported. */
static void test_too_large(void **state)
{
	struct batches batches = {0};
	char path[128];
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	append_log(&w, "\n", 1);
	log_path(&w, path);
	assert_int_equal(truncate(path, ACCOUNT_SIZE_MAX + 1), 0);
	assert_int_equal(account_list(&w.settings, NULL, &batches, &w.err), -EFBIG);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_false(w.outcome.accounted);
	assert_non_null(strstr(w.outcome.trouble.text, "the account could not be written"));
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_rotation), cmocka_unit_test(test_not_before_the_first_message),
    cmocka_unit_test(test_not_after_an_interrupt), cmocka_unit_test(test_others_write_meanwhile),
    cmocka_unit_test(test_too_large))
