/* SPDX-License-Identifier: ISC */
/* IDs that were asked for and that a scan has found, or not. */
#include "tests/unit/unit.h"

#include "purge/asked.h"
#include "tests/unit/purge/crafted.h"

static struct stranger stranger_of(const char *id)
{
	struct stranger s = {.gone = false};

	assert_int_equal(queue_id_parse(id, strlen(id), &s.queue_id), 0);
	return s;
}

static void rename_item(struct crafted *c, size_t n, const struct queue_id *id)
{
	struct message m = candidate_message(&c->candidates[n]);

	m.queue_id = *id;
	crafted_record(c, n, &m);
}

static void test_not_found(void **state)
{
	struct stranger strangers[] = {stranger_of("0AAAA9"), stranger_of("0AAAA3"),
	    stranger_of("0AAAA1"), stranger_of("0AAAA2"), stranger_of("0AAAA4")};
	static const struct scanned scanned;
	struct crafted c;

	(void)state;
	crafted_init(&c);
	assert_int_equal(asked_not_found(&c.outcome, strangers, 5), 5);
	/* 0AAAA1 to 0AAAA4, in an order that is not theirs; of the index is 0AAAA2. */
	for (int n = 0; n < 4; n++)
		crafted_add(&c, RESULT_READY, "a@example.com")->scanned = n != 1 ? &scanned : NULL;
	rename_item(&c, 0, &strangers[1].queue_id);
	rename_item(&c, 2, &strangers[2].queue_id);
	assert_int_equal(asked_not_found(&c.outcome, strangers, 5), 2);
	assert_string_equal(strangers[0].queue_id.text, "0AAAA9");
	assert_string_equal(strangers[1].queue_id.text, "0AAAA2");
	assert_int_equal(asked_not_found(&c.outcome, NULL, 0), 0);
}

UNIT_MAIN(cmocka_unit_test(test_not_found))
