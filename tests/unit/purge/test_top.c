/* SPDX-License-Identifier: ISC */
/* Counting by name, and ages in qshape's columns. */
#include <errno.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/labels.h"
#include "purge/top/top.h"
#include "tests/unit/postfix/rig.h"
#include "tests/unit/purge/crafted.h"

static void test_ages(void **state)
{
	static const struct {
		const char *name;
		int64_t minutes;
		unsigned want;
	} cases[] = {{"future", -1, 0}, {"now", 0, 0}, {"five", 5, 0}, {"six", 6, 1},
	    {"ten", 10, 1}, {"eleven", 11, 2}, {"twenty-one", 21, 3}, {"eighty", 80, 4},
	    {"640", 640, 7}, {"1280", 1280, 8}, {"1281", 1281, 9}, {"a year", 525600, 9}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		case_assert(cases[i].name,
		    group_age(cases[i].minutes * 60 * USEC_PER_SEC) == cases[i].want);
}

static void test_by(void **state)
{
	enum top_by by = TOP_CLIENT;

	(void)state;
	assert_int_equal(top_by_of("sender", &by), 0);
	assert_int_equal(by, TOP_SENDER);
	assert_int_equal(top_by_of("client", &by), 0);
	assert_int_equal(by, TOP_CLIENT);
	assert_int_equal(top_by_of("clients", &by), ERR_SYNTAX);
	assert_int_equal(top_by_of("", &by), ERR_SYNTAX);
}

static void test_names(void **state)
{
	struct labels names = {0};
	char name[32];
	size_t number;

	(void)state;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < 5000; i++) {
			snprintf(name, sizeof(name), "%zu", i * 7919);
			assert_int_equal(labels_number(&names, name, 0, &number), 0);
			assert_int_equal(number, i);
			assert_string_equal(labels_at(&names, number), name);
		}
	assert_int_equal(names.count, 5000);
	assert_int_equal(labels_number(&names, "", 0, &number), 0);
	assert_int_equal(number, 5000);
	assert_int_equal(labels_number(&names, "new", 5001, &number), ERR_LIMIT);
	assert_int_equal(labels_number(&names, "0", 5001, &number), 0);
	assert_int_equal(number, 0);
	labels_release(&names);
	assert_int_equal(names.count, 0);
}

static void write_log(const struct rig *rig, const char *id, const char *log)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/defer/%s", rig->spool, id);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(log, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Counts what mailq shows: queued senders and recipients, each message once for a group. */
static void test_groups(void **state)
{
	static const struct {
		const char *name;
		enum top_by by;
		bool exact;
		const char *want;
	} cases[] = {
	    {"sender", TOP_SENDER, false, "b.test 2|<> 1|srs.test 1|"},
	    {"recipient", TOP_RECIPIENT, false, " 2|y.test 2|x.test 1|"},
	    {"login", TOP_LOGIN, false, " 2|joe 2|"},
	    {"login, exact", TOP_LOGIN, true, " 2|JOE 1|joe 1|"},
	    {"client", TOP_CLIENT, false, " 3|192.0.2.7 1|"},
	    {"from", TOP_FROM, false, " 4|"},
	    {"uid", TOP_UID, false, " 3|root 1|"},
	    {"reason", TOP_REASON, false, " 2|a 1|b 1|c 1|"},
	};
	struct crafted c;
	struct message m;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	write_log(&rig, "0AAAA1",
	    "recipient=u@a.test\nreason=b\n\nrecipient=v@a.test\nreason=a\n\n"
	    "recipient=w@a.test\nreason=b\n\n");
	write_log(&rig, "0AAAA3", "recipient=u@a.test\nreason=c\n\n");
	crafted_init(&c);
	crafted_add(&c, RESULT_READY, "a@a.test");
	m = candidate_message(&c.candidates[0]);
	m.queued.known = true;
	m.queued.uid = 0;
	m.login = "JOE";
	m.queued.sender = "x@srs.test";
	m.queued.recipients = PACKED("c@y.test", "d@y.test");
	m.queued.originals = PACKED("", "");
	m.recipients = PACKED_ONE("e@x.test");
	crafted_record(&c, 0, &m);
	crafted_add(&c, RESULT_READY, "b@b.test");
	m = candidate_message(&c.candidates[1]);
	m.recipients = PACKED("c@y.test", "d@x.test");
	m.first.login = "joe";
	assert_int_equal(net_parse("192.0.2.7", &m.first.client), 0);
	m.flags = MESSAGE_JOINED;
	snprintf(m.first.queue_id.text, sizeof(m.first.queue_id.text), "0AAAA1");
	crafted_record(&c, 1, &m);
	crafted_add(&c, RESULT_READY, "c@b.test");
	crafted_add(&c, RESULT_READY, "");
	crafted_add(&c, RESULT_GONE, "c@b.test");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strbuf got = {0};
		struct top top;

		int64_t now = c.items[0].proof.arrival_time;
		int code = cases[i].by == TOP_REASON
			       ? top_of_reasons(&rig.p, &c.outcome, now, &top, NULL)
			       : top_of(&c.outcome, cases[i].by, cases[i].exact, now, &top);

		assert_int_equal(code, 0);
		for (size_t n = 0; n < top.count; n++)
			strbuf_printf(&got, "%s %d|", top.list[n].name, (int)top.list[n].count);
		case_assert_text(cases[i].name, strbuf_text(&got), cases[i].want);
		assert_int_equal(top.messages, 4);
		assert_int_equal(top.bytes, 4000);
		assert_int_equal(top.list[0].ages[0], top.list[0].count);
		strbuf_release(&got);
		top_release(&top);
	}
	rig_close(&rig);
	crafted_release(&c);
}

UNIT_MAIN(cmocka_unit_test(test_ages), cmocka_unit_test(test_by), cmocka_unit_test(test_names),
    cmocka_unit_test(test_groups))
