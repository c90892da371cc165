/* SPDX-License-Identifier: ISC */
/* pqpurge-idx list: matches that are in the queue now. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "purge/tell/table.h"
#include "purge/tell/wording.h"
#include "purge/walk.h"

static int64_t arrival_of(const struct item *item, const struct message *m)
{
	return item->proof.arrival_time > 0 ? item->proof.arrival_time : message_arrival(m);
}

static int64_t size_of(const struct item *item, const struct message *m)
{
	if (item->proof.size >= 0)
		return item->proof.size;
	return m->queued.known ? m->queued.size : -1;
}

static const char *queue_of(const struct item *item)
{
	return item->proof.queue ? queue_word(item->proof.queue) : "";
}

static int put_json(const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	int64_t arrival = arrival_of(item, &m), size = size_of(item, &m);
	struct json *o = json_new();

	if (*queue_of(item))
		json_put_text(o, "queue_name", queue_of(item));
	json_put_text(o, "queue_id", m.queue_id.text);
	if (arrival > 0)
		json_put_int(o, "arrival_time", arrival / USEC_PER_SEC);
	if (size >= 0)
		json_put_int(o, "message_size", size);
	wording_put_message(o, &m);
	return json_line(stdout, o);
}

/* The first address, and how many more. */
static void join(const struct strlist *list, uint32_t total, char *buf, size_t size)
{
	char first[200] = "";

	if (list->count)
		wording_address_text(list->first, first, sizeof(first));
	if (total > 1)
		snprintf(buf, size, "%s +%" PRIu32, first, total - 1);
	else
		snprintf(buf, size, "%s", first);
}

/* A row of text: for people ages and sizes in short, and a header From only where it says something
 * else than the envelope. */
static void add_row(
    const struct session *s, struct table *t, bool for_people, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	char arrived[CLOCK_TEXT_SIZE] = "", bytes[24] = "", sender[200], from[220], to[220];
	int64_t arrival = arrival_of(item, &m), size = size_of(item, &m);
	const struct strlist *mailboxes = message_from(&m), *recipients;
	uint32_t count;

	recipients = wording_recipients(&m, &count);
	join(mailboxes, mailboxes->count, from, sizeof(from));
	join(recipients, count, to, sizeof(to));
	wording_address_text(message_sender(&m), sender, sizeof(sender));
	if (arrival > 0 && for_people)
		clock_span_text(s->options.now - arrival, arrived, sizeof(arrived));
	else if (arrival > 0)
		clock_text(arrival, arrived, sizeof(arrived));
	if (size >= 0 && for_people)
		str_size_text((uint64_t)size, bytes, sizeof(bytes));
	else if (size >= 0)
		snprintf(bytes, sizeof(bytes), "%" PRId64, size);
	if (for_people && strcmp(from, sender) == 0)
		from[0] = '\0';
	table_add(
	    t, (const char *[]){m.queue_id.text, queue_of(item), arrived, bytes, sender, from, to});
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

int verb_list(struct session *s, struct err *err)
{
	struct walk w;
	int code = walk_look(&w, s, err);

	if (code == 0) {
		code = put_all(s, &w.outcome);
		code =
		    code < 0 ? err_sys(err, -code, "failed to write the list") : walk_end_look(&w);
	}
	walk_release(&w);
	return code;
}
