/* SPDX-License-Identifier: ISC */
/* With more recipients than were recorded, the queue file decides whether --recipient matches. */
#include "tests/unit/order/walk.h"

#define RECORDED 1 /* of the recipients below */

enum place { QUEUED, GONE, ARRIVING, DAMAGED, ANOTHER };

struct row {
	const char *name;
	const char *pattern; /* --recipient */
	bool only;
	enum place place;
	bool want, told;
	uint32_t others;
	const char *recipients[4];
};

#define TWO_OF_THREE                                                                               \
	{                                                                                          \
		"a@x.example", "b@y.example", "c@y.example"                                        \
	}
#define ALL_OF_THREE                                                                               \
	{                                                                                          \
		"a@x.example", "b@x.example", "c@x.example"                                        \
	}

static const struct row rows[] = {
    {"past the recorded", "y.example", false, QUEUED, true, false, 1, TWO_OF_THREE},
    {"nowhere", "z.example", false, QUEUED, false, false, 0, TWO_OF_THREE},
    {"among the recorded", "x.example", false, QUEUED, true, false, 2, TWO_OF_THREE},
    {"among the recorded, arriving", "x.example", false, ARRIVING, true, false, 2, TWO_OF_THREE},
    {"only, all", "x.example", true, QUEUED, true, false, 0, ALL_OF_THREE},
    {"only, not those past the recorded", "x.example", true, QUEUED, false, false, 0, TWO_OF_THREE},
    {"only, not the recorded", "y.example", true, QUEUED, false, false, 0, TWO_OF_THREE},
    {"gone", "y.example", false, GONE, false, false, 0, TWO_OF_THREE},
    {"arriving", "y.example", false, ARRIVING, false, true, 0, TWO_OF_THREE},
    {"damaged", "y.example", false, DAMAGED, false, true, 0, TWO_OF_THREE},
    {"another message's file", "y.example", false, ANOTHER, true, false, 1, TWO_OF_THREE},
};

static void put_file(struct bytes *file, const struct row *row)
{
	char text[64];

	if (row->place == DAMAGED) {
		bytes_put(file, "no queue file", 13);
		return;
	}
	snprintf(text, sizeof(text), "%lld 0",
	    (long long)ARRIVAL / 1000000 + (row->place == ANOTHER ? 60 : 0));
	rig_record(file, 'C', "             10             400               3               0");
	rig_record(file, 'T', text);
	rig_record(file, 'S', "a@bad.example");
	rig_record(file, 'A', "client_address=192.0.2.1");
	rig_record(file, 'A', "client_port=1025");
	for (size_t n = 0; row->recipients[n]; n++)
		rig_record(file, 'R', row->recipients[n]);
	rig_record(file, 'M', "");
	rig_record(file, 'X', "");
	rig_record(file, 'E', "");
}

/* The message in its queue, and its row with only the first recipients. */
static struct queue_id place(struct walk *w, const struct row *row)
{
	struct bytes file = {0};
	struct strbuf recipients = {0};
	struct queue_id id;
	struct message m;
	char path[256];
	const bool arriving = row->place == ARRIVING;
	const enum queue_name queue = arriving ? QUEUE_INCOMING : QUEUE_DEFERRED;

	put_file(&file, row);
	id = rig_put(&w->rig, queue, &file, arriving ? 0600 : 0700);
	rig_path(&w->rig, queue, &id, path);
	if (row->place == GONE)
		assert_int_equal(unlink(path), 0);
	rig_recorded(&m, &id, ARRIVAL);
	for (m.recipient_count = 0; row->recipients[m.recipient_count]; m.recipient_count++)
		if (m.recipient_count < RECORDED)
			strlist_push(&recipients, row->recipients[m.recipient_count],
			    strlen(row->recipients[m.recipient_count]));
	m.recipients = strlist_of(&recipients);
	m.flags = MESSAGE_CUT_RECIPIENTS;
	record(w, &m);
	strbuf_release(&recipients);
	bytes_release(&file);
	return id;
}

static void ask_recipient(struct walk *w, const struct row *row)
{
	w->selector.only = row->only;
	ask_for(w, &w->selector.recipient, row->pattern);
}

/* With cut recipients in the index (1), with the whole file in the index, and without an index. */
static void test_rows(void **state)
{
	static const int64_t kept[] = {RECORDED, 100, 0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		for (size_t how = 0; how < COUNT_OF(kept); how++) {
			const struct row *row = &rows[n];
			struct queue_id id;
			bool known = kept[how] > 0;
			struct walk w;

			open_walk(&w, ACTION_DELETE);
			w.settings.max_recipients = known ? kept[how] : RECORDED;
			w.order.dry_run = true;
			id = place(&w, row);
			if (!known)
				w.settings.index_directory = (char *)"/nonexistent";
			ask_recipient(&w, row);
			run(&w);
			if (row->place == QUEUED || known) {
				case_assert(row->name, results(&w, RESULT_READY) == row->want);
				case_assert(
				    row->name, w.outcome.tally.other_recipients == row->others);
				case_assert(row->name, w.outcome.tally.matched == row->want);
			}
			if (known)
				case_assert(
				    row->name, (w.outcome.trouble.text[0] != '\0') == row->told);
			w.order.dry_run = false;
			if (row->place == QUEUED) {
				run(&w);
				case_assert(
				    row->name, lies_in(&w, QUEUE_DEFERRED, &id) == !row->want);
			}
			close_walk(&w);
		}
}

/* One match among many others, and the reverse: each answer reaches its item. */
static void test_mixed(void **state)
{
	static const struct row kinds[] = {
	    {.recipients = TWO_OF_THREE}, {.recipients = ALL_OF_THREE}};
	static const struct row asked = {"mixed", .pattern = "y.example"};
	struct queue_id ids[24];
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	w.settings.max_recipients = RECORDED;
	for (size_t n = 0; n < COUNT_OF(ids); n++)
		ids[n] = place(&w, &kinds[n % 5 == 1]);
	ask_recipient(&w, &asked);
	run(&w);
	for (size_t n = 0; n < COUNT_OF(ids); n++)
		assert_int_equal(lies_in(&w, QUEUE_DEFERRED, &ids[n]), n % 5 == 1);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_rows), cmocka_unit_test(test_mixed))
