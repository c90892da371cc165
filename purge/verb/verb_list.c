/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "purge/tell/field.h"
#include "purge/tell/table.h"
#include "purge/tell/wording.h"
#include "purge/walk.h"

static int put_json(const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	struct json *o = json_new();

	json_put_text(o, "queue_id", m.queue_id.text);
	wording_put_place(o, item, &m);
	wording_put_message(o, &m);
	return json_line(stdout, o);
}

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

/* for_people: the age, a short size, and the header From only if it is not the sender. */
static void add_row(struct table *t, bool for_people, int64_t now, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	char arrived[FIELD_TEXT_SIZE], bytes[FIELD_TEXT_SIZE], sender[200], from[220], to[220];
	const struct field arrival = {.kind = FIELD_TIME, .n = item_arrival(item, &m)};
	const struct field size = {
	    .kind = for_people ? FIELD_SIZE : FIELD_NUMBER, .n = item_size(item, &m)};
	const struct strlist *mailboxes = message_from(&m), *recipients;
	const char *age = field_words(&arrival, arrived);
	uint32_t count;

	recipients = message_waiting(&m, &count);
	join(mailboxes, mailboxes->count, from, sizeof(from));
	join(recipients, count, to, sizeof(to));
	wording_address_text(message_sender(&m), sender, sizeof(sender));
	if (*age && for_people)
		clock_span_text(now - arrival.n, arrived, sizeof(arrived));
	table_add(
	    t, (const char *[]){m.queue_id.text, item_queue(item), age, field_words(&size, bytes),
		   sender, for_people && strcmp(from, sender) == 0 ? "" : from, to});
}

static int put_all(struct walk *w, struct err *err)
{
	static const struct table_column columns[] = {{.name = "QUEUE ID"}, {.name = "QUEUE"},
	    {.name = "AGE", .right = true}, {.name = "SIZE", .right = true},
	    {.name = "SENDER", .cut = true}, {.name = "FROM", .cut = true},
	    {.name = "RECIPIENTS", .cut = true}};
	const struct options *o = &w->s->options;
	struct table *t = o->json ? NULL : table_new(stdout, columns, COUNT_OF(columns));
	bool for_people = isatty(STDOUT_FILENO);
	int code = 0;

	for (size_t i = 0; code == 0 && i < w->outcome.count; i++) {
		if (w->outcome.items[i].result != RESULT_READY)
			continue;
		if (o->json)
			code = put_json(&w->outcome.items[i]);
		else
			add_row(t, for_people, o->now, &w->outcome.items[i]);
	}
	return session_written(o->json || code < 0 ? code : table_end(t), err);
}

int verb_list(struct session *s, struct err *err)
{
	return walk_show(s, put_all, err);
}
