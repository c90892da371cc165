/* SPDX-License-Identifier: ISC */
/* An account that could be kept in part only. */
#include "tests/unit/order/walk.h"

#include "index/batch.h"
#include "purge/undo.h"

#define HELD (2 * BATCH_PART_ITEMS + 500)

static void send_request(struct walk *w, struct bytes *request)
{
	struct client_answer answer = {0};
	struct span span = bytes_span(request);

	if (client_send(w->index, &span, 1, 10000000, &answer, &w->err) < 0 || answer.code < 0)
		fail_msg("%s%s", w->err.text, strbuf_text(&answer.text));
	client_answer_release(&answer);
	bytes_release(request);
}

/* A batch that held HELD messages, of which the account got the first parts. */
static void hold(struct walk *w, uint32_t parts)
{
	struct batch batch = {
	    .verb = "hold", .user = "", .command = "", .reason = "", .item_count = HELD};
	struct bytes request = {0}, items = {0};

	request_batch(&request, &batch);
	send_request(w, &request);
	for (uint32_t part = 0; part < parts; part++) {
		uint32_t first = part * BATCH_PART_ITEMS;

		bytes_clear(&items);
		for (uint32_t n = first; n < HELD && n < first + BATCH_PART_ITEMS; n++) {
			struct batch_item item = {.result = RESULT_DONE, .arrival_time = ARRIVAL};

			snprintf(item.queue_id.text, sizeof(item.queue_id.text), "%05XAB", n);
			batch_item_encode(&item, &items);
		}
		request_batch_part(&request, 1, part, bytes_span(&items));
		send_request(w, &request);
	}
	bytes_release(&items);
}

static void check(uint32_t parts, size_t want, const char *told)
{
	struct session s = {0};
	struct walk w;

	open_walk(&w, ACTION_RELEASE);
	hold(&w, parts);
	s.settings.index_directory = w.index;
	s.options.words = (const char *[]){"1"};
	s.options.word_count = 1;
	if (undo_select(&s, &w.outcome, &w.err) < 0)
		fail_msg("%s", w.err.text);
	assert_int_equal(w.outcome.count, want);
	if (told)
		assert_non_null(strstr(w.outcome.trouble.text, told));
	else
		assert_string_equal(w.outcome.trouble.text, "");
	close_walk(&w);
}

static void test_whole(void **state)
{
	(void)state;
	check(3, HELD, NULL);
}

static void test_in_part(void **state)
{
	(void)state;
	check(2, HELD - 500, "500 more messages were held");
	check(0, 0, "2500 more messages were held");
}

UNIT_MAIN(cmocka_unit_test(test_whole), cmocka_unit_test(test_in_part))
