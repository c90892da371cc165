/* SPDX-License-Identifier: ISC */
/* If a row's ID names another message, the file decides. */
#include "tests/unit/order/walk.h"

enum kind { AUTHOR, SENDER, FROM, RECIPIENT, LOGIN, ALL };

struct row {
	const char *name;
	const char *pattern; /* what is asked for, as `kind` */
	const char *file;    /* sender of the existing file */
	enum kind kind;
	enum result want;
	mode_t mode;           /* mode of the file; 0 = complete */
	bool older, elsewhere; /* the selector asks for older mail; for mail in hold */
};

static const struct row rows[] = {
    {"another domain", "bad.example", "a@good.example", AUTHOR, .want = RESULT_CHANGED},
    {"the same domain", "bad.example", "b@bad.example", AUTHOR, .want = RESULT_DONE},
    {"another of the domain, the address asked for", "a@bad.example", "b@bad.example", AUTHOR,
	.want = RESULT_CHANGED},
    {"--sender", "bad.example", "b@bad.example", SENDER, .want = RESULT_DONE},
    {"--sender, another", "bad.example", "b@good.example", SENDER, .want = RESULT_CHANGED},
    {"--from, which it has not", "bad.example", "b@bad.example", FROM, .want = RESULT_CHANGED},
    {"its recipient", "dest.example", "b@good.example", RECIPIENT, .want = RESULT_DONE},
    {"a login that the file does not have", "joe", "a@bad.example", LOGIN, .want = RESULT_UNPROVEN},
    {"a login, and another's file", "joe", "b@bad.example", LOGIN, .want = RESULT_CHANGED},
    {"all", NULL, "b@good.example", ALL, .want = RESULT_DONE},
    {"too young", "bad.example", "b@bad.example", AUTHOR, .want = RESULT_EXCLUDED, .older = true},
    {"in another queue", "bad.example", "b@bad.example", AUTHOR, .want = RESULT_EXCLUDED,
	.elsewhere = true},
    {"still arriving", "bad.example", "b@bad.example", AUTHOR, .want = RESULT_CHANGED,
	.mode = 0600},
};

static void ask_row(struct walk *w, const struct row *row)
{
	struct pattern_set *sets[] = {[AUTHOR] = &w->selector.author,
	    [SENDER] = &w->selector.sender,
	    [FROM] = &w->selector.from,
	    [RECIPIENT] = &w->selector.recipient};

	w->selector.all = row->kind == ALL;
	if (row->kind == LOGIN)
		assert_int_equal(selector_add_login(&w->selector, row->pattern), 0);
	else if (row->kind != ALL)
		ask_for(w, sets[row->kind], row->pattern);
	if (row->older)
		w->selector.arrived_before = ARRIVAL + 1000000;
	if (row->elsewhere)
		w->selector.queues = QUEUE_HOLD;
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
	m.login = "joe";
	record(w, &m);
	strbuf_release(&from);
	strbuf_release(&recipients);
	bytes_release(&file);
	return id;
}

static void check(struct walk *w, const struct row *row, const struct queue_id *id)
{
	bool dry = w->order.dry_run;
	enum result want = row->want == RESULT_DONE && dry ? RESULT_READY : row->want;

	if (w->outcome.count != 1 || w->outcome.items[0].result != want)
		case_fail(row->name, "%d items, result %d, dry %d", (int)w->outcome.count,
		    w->outcome.count ? (int)w->outcome.items[0].result : -1, dry);
	case_assert(row->name, w->outcome.trouble.text[0] == '\0');
	case_assert(row->name, lies_in(w, QUEUE_DEFERRED, id) == (dry || row->want != RESULT_DONE));
	case_assert(row->name, w->outcome.tally.from_queue == (row->want == RESULT_DONE));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		for (int how = 0; how < 4; how++) {
			struct queue_id id;
			struct walk w;

			open_walk(&w, ACTION_DELETE);
			w.order.dry_run = how & 1;
			id = place(&w, &rows[n]);
			if (how & 2) /* from the files alone */
				w.settings.index_directory = (char *)"/nonexistent";
			ask_row(&w, &rows[n]);
			run(&w);
			if (!(how & 2))
				check(&w, &rows[n], &id);
			else
				case_assert(rows[n].name,
				    results(&w, how & 1 ? RESULT_READY : RESULT_DONE) ==
					(rows[n].want == RESULT_DONE));
			close_walk(&w);
		}
}

/* Among many messages, each gets its own answer. */
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
	run_domain(&w);
	assert_int_equal(w.outcome.count, COUNT_OF(ids));
	assert_int_equal(results(&w, RESULT_DONE), 5);
	for (size_t n = 0; n < COUNT_OF(ids); n++)
		assert_int_equal(lies_in(&w, QUEUE_DEFERRED, &ids[n]), n % 5 != 1);
	close_walk(&w);
}

/* Between selection and deletion the ID passes to another message, which matches, too. */
struct swap {
	struct walk *w;
	struct queue_id id, other;
};

static enum order_answer ask_and_swap(void *arg, struct order *order, const struct outcome *preview)
{
	const struct swap *s = arg;
	char from[256], to[256];

	(void)order;
	assert_int_equal(preview->tally.results[RESULT_READY], 1);
	rig_path(&s->w->rig, QUEUE_HOLD, &s->other, from);
	rig_path(&s->w->rig, QUEUE_DEFERRED, &s->id, to);
	assert_int_equal(rename(from, to), 0);
	return ORDER_GO;
}

static void test_changed_after_the_answer(void **state)
{
	struct bytes file = {0};
	struct swap s;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	s.w = &w;
	s.id = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL);
	rig_envelope(&file, ARRIVAL + 1, "c@bad.example");
	s.other = rig_put(&w.rig, QUEUE_HOLD, &file, 0600);
	w.order.ask = ask_and_swap;
	w.order.ask_arg = &s;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_CHANGED), 1);
	assert_int_equal(results(&w, RESULT_DONE), 0);
	assert_true(lies_in(&w, QUEUE_DEFERRED, &s.id));
	bytes_release(&file);
	close_walk(&w);
}

/* Two rows claim one ID: the file is one of the two, and there is one item. */
static void test_two_rows(void **state)
{
	struct message m;
	struct queue_id id;
	struct walk w;

	(void)state;
	for (int later = 0; later < 2; later++) {
		open_walk(&w, ACTION_DELETE);
		id = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL);
		for (int n = 0; n < 2; n++) {
			rig_recorded(&m, &id, n == later ? ARRIVAL : ARRIVAL - 60000000);
			record(&w, &m);
		}
		run_domain(&w);
		assert_int_equal(w.outcome.count, 1);
		assert_int_equal(results(&w, RESULT_DONE), 1);
		assert_false(lies_in(&w, QUEUE_DEFERRED, &id));
		assert_int_equal(count_rows(&w), 0);
		close_walk(&w);
	}
}

/*
 * 10,000 rows, each with another message's file under its queue ID and on its inode. That message
 * arrived a microsecond before the row's window, a microsecond after it, or much later. None may be
 * deleted; each is `changed`.
 */
#define ADVERSARIES  10000
#define ROWS_AT_ONCE 1000

static void add_adversaries(struct walk *w, size_t first)
{
	static const int64_t distance[] = {-101, 101, 86400000000};
	struct message list[ROWS_AT_ONCE];
	struct bytes file = {0};

	for (size_t n = 0; n < ROWS_AT_ONCE; n++) {
		int64_t arrival = ARRIVAL + (int64_t)(first + n) * 1000000;
		struct queue_id id;

		bytes_clear(&file);
		rig_envelope(&file, arrival + distance[n % COUNT_OF(distance)], "a@good.example");
		id = rig_put(&w->rig, QUEUE_DEFERRED, &file, 0700);
		rig_recorded(&list[n], &id, arrival);
	}
	record_all(w, list, ROWS_AT_ONCE);
	bytes_release(&file);
}

static void test_adversaries(void **state)
{
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	for (size_t n = 0; n < ADVERSARIES; n += ROWS_AT_ONCE)
		add_adversaries(&w, n);
	run_domain(&w);
	assert_int_equal(w.outcome.count, ADVERSARIES);
	assert_int_equal(results(&w, RESULT_CHANGED), ADVERSARIES);
	for (size_t n = 0; n < w.outcome.count; n++) {
		struct queue_id id = candidate_id(w.outcome.items[n].candidate);

		assert_true(lies_in(&w, QUEUE_DEFERRED, &id));
	}
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_rows), cmocka_unit_test(test_mixed),
    cmocka_unit_test(test_changed_after_the_answer), cmocka_unit_test(test_two_rows),
    cmocka_unit_test(test_adversaries))
