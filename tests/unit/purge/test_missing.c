/* SPDX-License-Identifier: ISC */
/* What the index does not have: told in one line and as fields; and whose index it is. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "purge/status/belongs.h"
#include "purge/status/live.h"
#include "purge/status/missing.h"

#define AT(second) (INT64_C(1795455600000000) + (second)*INT64_C(1000000))

static struct gap_span one_gap[] = {{.from = AT(10), .to = AT(20), .reason = "disk full"}};

static const struct missing_case {
	const char *name;
	struct arrival seen[4];
	size_t count;
	uint64_t unindexed;
	bool unknown, scanned;
	int64_t as_of;
	const char *line, *json;
} cases[] = {
    {.name = "nothing", .line = "", .json = "{}\n"},
    {.name = "not counted", .unknown = true, .unindexed = 3, .line = "", .json = "{}\n"},
    {.name = "in a gap",
	.seen = {{.time = AT(12)}, {.time = AT(15)}},
	.count = 2,
	.unindexed = 2,
	.line = "2 messages in the queue are not in the index (arrived 2026-11-23 17:40:12 to "
		"17:40:15; disk full); --scan looks at them, too.\n",
	.json = "{\"unindexed_oldest\":1795455612,\"unindexed_newest\":1795455615,"
		"\"unindexed_bounces\":0,\"unindexed_in_gaps\":2,\"unindexed_bypassed\":0,"
		"\"coverage_gaps\":[{\"from\":"
		"1795455610,\"to\":1795455620,\"reason\":\"disk full\",\"count\":0}]}\n"},
    {.name = "a bounce in a gap is none of the gap's",
	.seen = {{.time = AT(12), .null_sender = true}},
	.count = 1,
	.unindexed = 1,
	.line = "1 message in the queue is not in the index (arrived 2026-11-23 17:40:12; 1 is a "
		"bounce); --scan looks at it, too.\n"},
    {.name = "a client's null sender is no bounce; what came in no gap came past the milter",
	.seen = {{.time = AT(12), .null_sender = true, .from_client = true},
	    {.time = AT(30), .from_client = true}, {.time = AT(30)},
	    {.time = AT(-5), .from_client = true}},
	.count = 4,
	.unindexed = 4,
	.line = "4 messages in the queue are not in the index (arrived 2026-11-23 17:39:55 to "
		"17:40:30; disk full); --scan looks at them, too.\n",
	.json = "{\"unindexed_oldest\":1795455595,\"unindexed_newest\":1795455630,"
		"\"unindexed_bounces\":0,\"unindexed_in_gaps\":1,\"unindexed_bypassed\":1,"
		"\"coverage_gaps\":[{\"from\":1795455610,\"to\":1795455620,\"reason\":"
		"\"disk full\",\"count\":0}]}\n"},
    {.name = "in no gap, scanned already",
	.seen = {{.time = AT(30)}},
	.count = 1,
	.unindexed = 1,
	.scanned = true,
	.line = "1 message in the queue is not in the index (arrived 2026-11-23 17:40:30).\n"},
    {.name = "a sample",
	.seen = {{.time = AT(30), .null_sender = true}, {.time = -1}},
	.count = 2,
	.unindexed = 9,
	.scanned = true,
	.line = "9 messages in the queue are not in the index (arrived 2026-11-23 17:40:30; at "
		"least 1 is a bounce).\n"},
    {.name = "none could be read",
	.unindexed = 2,
	.line = "2 messages in the queue are not in the index; --scan looks at them, too.\n"},
    {.name = "of the last sync",
	.unindexed = 2,
	.as_of = AT(40),
	.line = "2 messages in the queue are not in the index (counted by sync at 2026-11-23 "
		"17:40:40); --scan looks at them, too.\n"},
};

static struct gaps copy_gaps(void)
{
	struct gaps gaps = {.since = AT(0), .count = 1, .list = malloc(sizeof(one_gap))};

	assert_non_null(gaps.list);
	memcpy(gaps.list, one_gap, sizeof(one_gap));
	return gaps;
}

static void test_told(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		const struct missing_case *c = &cases[n];
		struct outcome outcome = {.unseen = (struct arrival *)c->seen,
		    .unseen_count = c->count,
		    .tally = {.unindexed = c->unindexed,
			.unindexed_known = !c->unknown,
			.unindexed_as_of = c->as_of}};
		struct gaps gaps = copy_gaps();
		char *line = NULL, *json = NULL;
		struct json *o = json_new();
		struct missing m;
		size_t size;
		FILE *to;

		missing_make(&outcome, &gaps, &m);
		m.gaps_known = true;
		assert_null(gaps.list);
		to = open_memstream(&line, &size);
		missing_line(to, &outcome.tally, &m, c->scanned);
		fclose(to);
		case_assert_text(c->name, line, c->line);
		to = open_memstream(&json, &size);
		missing_put(o, &outcome.tally, &m);
		assert_int_equal(json_line(to, o), 0);
		fclose(to);
		if (c->json)
			case_assert_text(c->name, json, c->json);
		free(line);
		free(json);
		missing_release(&m);
	}
}

static void test_spans(void **state)
{
	char buf[MISSING_SPAN_SIZE];

	(void)state;
	assert_string_equal(missing_span_text(AT(0), AT(86400), buf, sizeof(buf)),
	    "2026-11-23 17:40:00 to 2026-11-24 17:40:00");
	assert_string_equal(
	    missing_span_text(AT(0), AT(0), buf, sizeof(buf)), "2026-11-23 17:40:00");
	assert_string_equal(
	    missing_span_text(AT(0), 0, buf, sizeof(buf)), "since 2026-11-23 17:40:00");
}

static void test_belongs(void **state)
{
	static const struct {
		const char *name, *directory, *hostname;
		enum belongs want;
	} rows[] = {
	    {"not told yet", "", "", BELONGS_UNKNOWN},
	    {"here", "/var/spool/postfix", "mx.example", BELONGS_HERE},
	    {"renamed", "/var/spool/postfix", "old.example", BELONGS_RENAMED},
	    {"another", "/var/spool/postfix-out", "mx.example", BELONGS_ELSEWHERE},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		case_assert(rows[n].name, belongs_of(rows[n].directory, rows[n].hostname,
					      "/var/spool/postfix", "mx.example") == rows[n].want);
}

static void test_live_lines(void **state)
{
	struct live live = {.state = LIVE_ANSWERS};
	char buf[16];

	(void)state;
	strbuf_puts(&live.lines, "since=17\nlast_error=\ngap_since=abc\nrules=3");
	assert_int_equal(live_number(&live, "since", -1), 17);
	assert_int_equal(live_number(&live, "rules", -1), 3);
	assert_int_equal(live_number(&live, "gap_since", -1), -1);
	assert_int_equal(live_number(&live, "rule", -1), -1);
	assert_string_equal(live_text(&live, "last_error", buf, sizeof(buf)), "");
	live_release(&live);
}

static int set_zone(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_told),
	    cmocka_unit_test(test_spans), cmocka_unit_test(test_belongs),
	    cmocka_unit_test(test_live_lines)};

	return cmocka_run_group_tests(tests, set_zone, NULL);
}
