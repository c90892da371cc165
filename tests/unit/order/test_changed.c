/* SPDX-License-Identifier: ISC */
/* An ID that names another message now: changed, or unproven where that one is asked for, too. */
#include "tests/unit/order/walk.h"

enum kind { AUTHOR, SENDER, FROM, RECIPIENT, ALL };

struct row {
	const char *name;
	const char *pattern; /* what is asked for, as `kind` */
	const char *file;    /* sender of the file that is there */
	enum kind kind;
	enum result want;
	mode_t mode;           /* of the file; 0 = complete */
	bool older, elsewhere; /* asked for what arrived before it; for what lies in hold */
};

static const struct row rows[] = {
    {"another domain", "bad.example", "a@good.example", AUTHOR, .want = RESULT_CHANGED},
    {"the same domain", "bad.example", "b@bad.example", AUTHOR, .want = RESULT_UNPROVEN},
    {"another of the domain, the address asked for", "a@bad.example", "b@bad.example", AUTHOR,
	.want = RESULT_CHANGED},
    {"--sender", "bad.example", "b@bad.example", SENDER, .want = RESULT_UNPROVEN},
    {"--sender, another", "bad.example", "b@good.example", SENDER, .want = RESULT_CHANGED},
    {"--from, which it has not", "bad.example", "b@bad.example", FROM, .want = RESULT_CHANGED},
    {"no sender asked for", "dest.example", "b@bad.example", RECIPIENT, .want = RESULT_CHANGED},
    {"all", NULL, "b@bad.example", ALL, .want = RESULT_CHANGED},
    {"too young", "bad.example", "b@bad.example", AUTHOR, .want = RESULT_CHANGED, .older = true},
    {"in another queue", "bad.example", "b@bad.example", AUTHOR, .want = RESULT_CHANGED,
	.elsewhere = true},
    {"still arriving", "bad.example", "b@bad.example", AUTHOR, .want = RESULT_CHANGED,
	.mode = 0600},
};

static void ask_for(struct walk *w, const struct row *row)
{
	struct pattern_set *sets[] = {[AUTHOR] = &w->selector.author,
	    [SENDER] = &w->selector.sender,
	    [FROM] = &w->selector.from,
	    [RECIPIENT] = &w->selector.recipient};
	struct pattern pattern;

	w->selector.all = row->kind == ALL;
	if (row->kind != ALL) {
		assert_int_equal(pattern_parse(row->pattern, &pattern, &w->err), 0);
		assert_int_equal(pattern_set_add(sets[row->kind], &pattern), 0);
	}
	if (row->older)
		w->selector.arrived_before = ARRIVAL + 1000000;
	if (row->elsewhere)
		w->selector.queues = QUEUE_HOLD;
	selector_seal(&w->selector);
	if (order_select(&w->order, &w->outcome, &w->err) < 0)
		case_fail(row->name, "%s", w->err.text);
}

/* A row of a@bad.example, a minute older than the file under its ID. */
static struct queue_id place(struct walk *w, const struct row *row)
{
	struct strbuf from = {0}, recipients = {0};
	struct bytes file = {0};
	struct queue_id id;
	struct message m;

	rig_envelope(&file, ARRIVAL + 60000000, row->file);
	id = rig_put(&w->rig, QUEUE_DEFERRED, &file, row->mode ? row->mode : 0700);
	rig_recorded(&m, &id, ARRIVAL);
	strlist_push(&from, "a@bad.example", 13);
	strlist_push(&recipients, "u@dest.example", 14);
	m.from = strlist_of(&from);
	m.recipients = strlist_of(&recipients);
	record(w, &m);
	strbuf_release(&from);
	strbuf_release(&recipients);
	bytes_release(&file);
	return id;
}

static void check(struct walk *w, const struct row *row, const struct queue_id *id)
{
	case_assert(row->name, w->outcome.count == 1);
	case_assert(row->name, w->outcome.items[0].result == row->want);
	case_assert(row->name, results(w, row->want) == 1 && w->outcome.tally.matched == 1);
	case_assert(row->name, w->outcome.trouble.text[0] == '\0');
	case_assert(row->name, lies_in(w, QUEUE_DEFERRED, id));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		for (int dry = 0; dry < 2; dry++) {
			struct queue_id id;
			struct walk w;

			open_walk(&w, ACTION_DELETE);
			w.order.dry_run = dry;
			id = place(&w, &rows[n]);
			ask_for(&w, &rows[n]);
			act(&w);
			check(&w, &rows[n], &id);
			close_walk(&w);
		}
}

/* Among many, each gets its own answer. */
static void test_mixed(void **state)
{
	static const struct row theirs = {.file = "a@good.example"},
				ours = {.file = "b@bad.example"};
	struct queue_id ids[24];
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	for (size_t n = 0; n < COUNT_OF(ids); n++)
		ids[n] = place(&w, n % 5 == 1 ? &ours : &theirs);
	select_domain(&w);
	act(&w);
	assert_int_equal(w.outcome.count, COUNT_OF(ids));
	for (size_t n = 0; n < COUNT_OF(ids); n++) {
		struct queue_id id = candidate_id(w.outcome.items[n].candidate);

		assert_string_equal(id.text, ids[n].text);
		assert_int_equal(
		    w.outcome.items[n].result, n % 5 == 1 ? RESULT_UNPROVEN : RESULT_CHANGED);
	}
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_rows), cmocka_unit_test(test_mixed))
