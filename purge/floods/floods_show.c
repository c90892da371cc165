/* SPDX-License-Identifier: ISC */

#include "base/clock.h"
#include "purge/floods/floods.h"
#include "purge/tell/say.h"
#include "purge/tell/table.h"

#define SAMPLES_MAX 16 /* of one list */

static int put_json(const struct json *i)
{
	static const char *const texts[] = {"kind", "key", "signal", "action", "mark"};
	static const char *const numbers[] = {"id", "since", "until", "recipients", "messages",
	    "rate", "held", "window", "limit", "usual", "networks", "senders", "undelivered",
	    "expires"};
	static const char *const lists[] = {"clients", "queue_ids"};
	struct json *o = json_new();

	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		if (json_int(i, numbers[n], -1) >= 0)
			json_put_int(o, numbers[n], json_int(i, numbers[n], 0));
	for (size_t n = 0; n < COUNT_OF(texts); n++)
		if (json_text(i, texts[n]))
			json_put_text(o, texts[n], json_text(i, texts[n]));
	for (size_t n = 0; n < COUNT_OF(lists); n++) {
		struct strbuf packed = {0};

		json_list(i, lists[n], SAMPLES_MAX, &packed);
		json_put_packed(o, lists[n], &packed);
	}
	return json_line(stdout, o);
}

enum { ID, SINCE, KIND, KEY, RECIPIENTS, RATE, SIGNAL, ACTION, HELD, STATE, COLUMNS };

static const char *state_of(const struct json *i)
{
	return *json_words(i, "mark")        ? json_words(i, "mark")
	       : json_int(i, "until", 0) > 0 ? "over"
					     : "open";
}

static void add_row(struct table *t, const struct json *i)
{
	static const struct {
		int column;
		const char *key;
	} numbers[] = {{ID, "id"}, {RECIPIENTS, "recipients"}, {RATE, "rate"}, {HELD, "held"}};
	char cells[COLUMNS][CLOCK_TEXT_SIZE];
	const char *row[COLUMNS] = {[KIND] = json_words(i, "kind"),
	    [KEY] = json_words(i, "key"),
	    [SIGNAL] = json_words(i, "signal"),
	    [ACTION] = json_words(i, "action"),
	    [STATE] = state_of(i)};

	for (size_t c = 0; c < COUNT_OF(numbers); c++) {
		char *cell = cells[numbers[c].column];

		snprintf(cell, CLOCK_TEXT_SIZE, "%" PRId64, json_int(i, numbers[c].key, 0));
		row[numbers[c].column] = cell;
	}
	row[SINCE] = clock_text(
	    json_int(i, "since", 0) % INT32_MAX * USEC_PER_SEC, cells[SINCE], CLOCK_TEXT_SIZE);
	table_add(t, row);
}

static int list_table(const struct json *answer, size_t count)
{
	static const struct table_column columns[COLUMNS] = {
	    [ID] = {.name = "ID", .right = true},
	    [SINCE] = {.name = "SINCE"},
	    [KIND] = {.name = "KIND"},
	    [KEY] = {.name = "KEY", .cut = true},
	    [RECIPIENTS] = {.name = "RECIPIENTS", .right = true},
	    [RATE] = {.name = "RATE/H", .right = true},
	    [SIGNAL] = {.name = "SIGNAL"},
	    [ACTION] = {.name = "ACTION"},
	    [HELD] = {.name = "HELD", .right = true},
	    [STATE] = {.name = "STATE"},
	};
	struct table *t = table_new(stdout, columns, COLUMNS);

	for (size_t n = 0; n < count; n++)
		add_row(t, json_at(answer, "floods", n));
	return table_end(t);
}

int floods_list(const struct session *s, const struct json *answer)
{
	size_t count = json_count(answer, "floods"), limit = s->options.limit;
	int code = 0;

	count = limit && limit < count ? limit : count;
	if (!s->options.json && count == 0 && isatty(STDOUT_FILENO))
		say(stdout, "No flood is open; --all shows past ones.\n");
	if (!s->options.json)
		return list_table(answer, count);
	for (size_t n = 0; n < count && code == 0; n++)
		code = put_json(json_at(answer, "floods", n));
	return code;
}

static void put_samples(FILE *to, const struct json *i, const char *label, const char *key)
{
	AUTO(strbuf_release) struct strbuf packed = {0}, line = {0};

	json_list(i, key, SAMPLES_MAX, &packed);
	struct strlist list = strlist_of(&packed);
	strlist_each (item, &list)
		strbuf_printf(&line, " %s", item);
	if (line.len)
		say(to, "%-12s%s\n", label, strbuf_text(&line));
}

void floods_show(FILE *to, const struct session *s, const struct json *i)
{
	static const char *const verbs[] = {"list --flood", "hold --flood", "purge --flood",
	    "report --flood", "floods --normal", "floods --bad"};
	int64_t id = json_int(i, "id", 0), until = json_int(i, "until", 0);
	char since[CLOCK_TEXT_SIZE], end[CLOCK_TEXT_SIZE], words[64], command[512];

	say(to, "%-12s %" PRId64 "%s%s\n", "Flood", id, *json_words(i, "mark") ? ", marked " : "",
	    json_words(i, "mark"));
	say(to, "%-12s %s\n", json_words(i, "kind"), json_words(i, "key"));
	clock_text(json_int(i, "since", 0) % INT32_MAX * USEC_PER_SEC, since, sizeof(since));
	clock_text(until % INT32_MAX * USEC_PER_SEC, end, sizeof(end));
	say(to, "%-12s %s, %s%s\n", "Since", since, until ? "until " : "still open",
	    until ? end : "");
	say(to, "%-12s %s: limit %" PRId64 ", usual %" PRId64 "\n", "Signal",
	    json_words(i, "signal"), json_int(i, "limit", 0), json_int(i, "usual", 0));
	say(to,
	    "%-12s %" PRId64 " recipients, %" PRId64 " messages, %" PRId64 " recipients/h now\n",
	    "Sent", json_int(i, "recipients", 0), json_int(i, "messages", 0),
	    json_int(i, "rate", 0));
	say(to, "%-12s %" PRId64 " networks, %" PRId64 " senders, %" PRId64 " undelivered\n",
	    "From", json_int(i, "networks", 0), json_int(i, "senders", 0),
	    json_int(i, "undelivered", 0));
	say(to, "%-12s %s, %" PRId64 " held that came before\n", "Action", json_words(i, "action"),
	    json_int(i, "held", 0));
	put_samples(to, i, "Clients", "clients");
	put_samples(to, i, "Queue IDs", "queue_ids");
	for (size_t n = 0; n < COUNT_OF(verbs); n++) {
		snprintf(words, sizeof(words), "%s %" PRId64, verbs[n], id);
		say(to, "%-12s %s\n", n ? "" : "Type",
		    session_command(s, words, command, sizeof(command)));
	}
}
