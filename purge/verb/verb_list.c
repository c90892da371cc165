/* SPDX-License-Identifier: ISC */
/* pqpurge-idx list: matches that are in the queue now, and proven to be. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "purge/session.h"
#include "purge/status/missing.h"
#include "purge/tell/progress.h"
#include "purge/tell/report.h"
#include "purge/tell/scan_words.h"
#include "purge/tell/table.h"
#include "purge/tell/wording.h"

static int put_json(const struct item *item)
{
	struct json *o = json_new();
	struct message m = candidate_message(item->candidate);

	json_put_text(o, "queue_name", queue_word(item->proof.queue));
	json_put_text(o, "queue_id", m.queue_id.text);
	if (item->proof.arrival_time >= 0)
		json_put_int(o, "arrival_time", item->proof.arrival_time / USEC_PER_SEC);
	if (item->proof.size >= 0)
		json_put_int(o, "message_size", item->proof.size);
	wording_put_message(o, &m);
	scan_words_put(o, item);
	return json_line(stdout, o);
}

/* Addresses side by side, the first of them and how many more. */
static void join(const struct strlist *list, uint32_t total, char *buf, size_t size)
{
	char first[200] = "";

	strlist_each (item, list) {
		wording_address_text(item, first, sizeof(first));
		break;
	}
	if (total > 1)
		snprintf(buf, size, "%s +%" PRIu32, first, total - 1);
	else
		snprintf(buf, size, "%s", first);
}

/* What a row of text is made of. */
struct cells {
	char arrived[CLOCK_TEXT_SIZE], size[24], sender[200], from[220], recipients[220];
};

/* For people: ages and sizes in short, and a header From only where it says something else than the
 * envelope. */
static void make_short(const struct session *s, const struct item *item, struct cells *c)
{
	if (item->proof.arrival_time >= 0)
		clock_span_text(
		    s->options.now - item->proof.arrival_time, c->arrived, sizeof(c->arrived));
	if (item->proof.size >= 0)
		str_size_text((uint64_t)item->proof.size, c->size, sizeof(c->size));
	if (strcmp(c->from, c->sender) == 0)
		c->from[0] = '\0';
}

static void make_plain(const struct item *item, struct cells *c)
{
	if (item->proof.arrival_time >= 0)
		clock_text(item->proof.arrival_time, c->arrived, sizeof(c->arrived));
	if (item->proof.size >= 0)
		snprintf(c->size, sizeof(c->size), "%" PRId64, item->proof.size);
}

static void add_row(
    const struct session *s, struct table *t, bool for_people, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	struct cells c = {0};

	join(&m.from, m.from.count, c.from, sizeof(c.from));
	join(&m.recipients, m.recipient_count, c.recipients, sizeof(c.recipients));
	wording_address_text(m.sender, c.sender, sizeof(c.sender));
	if (for_people)
		make_short(s, item, &c);
	else
		make_plain(item, &c);
	table_add(t, (const char *[]){m.queue_id.text, queue_word(item->proof.queue), c.arrived,
			 c.size, c.sender, c.from, c.recipients});
}

static int put_all(const struct session *s, const struct outcome *outcome)
{
	static const struct table_column columns[] = {{.name = "QUEUE ID"}, {.name = "QUEUE"},
	    {.name = "AGE", .right = true}, {.name = "SIZE", .right = true},
	    {.name = "SENDER", .cut = true}, {.name = "FROM", .cut = true},
	    {.name = "RECIPIENTS", .cut = true}};
	struct table *t = s->options.json ? NULL : table_new(stdout, columns, COUNT_OF(columns));
	bool for_people = isatty(STDOUT_FILENO);
	int code = 0;

	for (size_t i = 0; code == 0 && i < outcome->count; i++) {
		if (outcome->items[i].result != RESULT_READY)
			continue;
		if (s->options.json)
			code = put_json(&outcome->items[i]);
		else
			add_row(s, t, for_people, &outcome->items[i]);
	}
	if (!s->options.json && code == 0)
		code = table_end(t);
	return code;
}

/* What the list cannot show; on stderr, so that each line of the list is a message. */
static void tell_missing(
    const struct session *s, const struct order *order, struct outcome *outcome)
{
	struct missing missing;

	missing_count(order, outcome);
	missing_read(s->settings.index_directory, outcome, &missing);
	fflush(stdout);
	missing_line(stderr, &outcome->tally, &missing, s->options.scan);
	missing_release(&missing);
}

int verb_list(struct session *s, struct err *err)
{
	struct progress progress;
	struct order order = {.settings = &s->settings,
	    .postfix = &s->postfix,
	    .selector = &s->options.selector,
	    .action = ACTION_LIST,
	    .limit = s->options.limit,
	    .scan = s->options.scan,
	    .progress = progress_show,
	    .progress_arg = &progress};
	struct outcome outcome = {0};
	struct report report = {.outcome = &outcome, .action = ACTION_LIST, .dry_run = true};
	int code;

	progress_init(&progress, stderr, isatty(STDERR_FILENO), wording_doing(ACTION_LIST));
	/* It changes nothing, so nothing need narrow it. */
	if (selector_is_empty(&s->options.selector))
		s->options.selector.all = true;
	code = order_select(&order, &outcome, err);
	/* What the index does not know is counted meanwhile. */
	if (code == 0)
		order_count_begin(&order, &outcome);
	if (code == 0)
		code = order_prove(&order, &outcome, err);
	progress_end(&progress);
	if (code == 0) {
		code = put_all(s, &outcome);
		if (code == 0 && !s->options.quiet)
			tell_missing(s, &order, &outcome);
		if (code < 0)
			err_sys(err, -code, "failed to write the list");
	}
	if (code == 0) {
		report_problems(stderr, &report);
		code = report_exit(&report);
	}
	outcome_release(&outcome);
	if (code == EXIT_DONE && s->bad_ids)
		code = EXIT_SOME_FAILED;
	return code;
}
