/* SPDX-License-Identifier: ISC */
#include "order/account/ledger.h"

#include "base/json.h"

void account_entries_release(struct account_entries *e)
{
	free(e->list);
	*e = (struct account_entries){0};
}

int account_entry_compare(const void *a, const void *b)
{
	const struct account_entry *x = a, *y = b;
	int order = strcmp(x->queue_id.text, y->queue_id.text);

	if (order != 0)
		return order;
	return (x->arrival_time > y->arrival_time) - (x->arrival_time < y->arrival_time);
}

void account_entry_put(struct strbuf *text, const struct account_entry *entry)
{
	int64_t arrival = entry->arrival_time > 0 ? entry->arrival_time : 0;

	strbuf_printf(
	    text, "%s%s %lld", text->len ? " " : "", entry->queue_id.text, (long long)arrival);
}

/* Returns 1, 0 at the end, or ERR_SYNTAX. */
static int next_entry(const char **text, struct account_entry *ret)
{
	const char *at = *text + strspn(*text, " "), *end = NULL;
	size_t len = strcspn(at, " ");
	uint64_t arrival;

	if (!*at)
		return 0;
	if (queue_id_parse(at, len, &ret->queue_id) == 0 && at[len] == ' ')
		end = str_digits(at + len + 1, &arrival);
	if (!end || arrival > INT64_MAX || (*end && *end != ' '))
		return ERR_SYNTAX;
	ret->arrival_time = (int64_t)arrival;
	*text = end;
	return 1;
}

int account_entries_parse(const char *text, struct account_entries *ret)
{
	struct account_entry entry;
	int got, code = 0;

	while (code == 0 && (got = next_entry(&text, &entry)) == 1)
		code = array_add(ret, entry);
	return code < 0 ? code : got < 0 ? ERR_CHILD : 0;
}

static enum ledger_effect effect_of(const char *verb)
{
	static const struct {
		const char *verb;
		enum ledger_effect effect;
	} rows[] = {{"hold", EFFECT_HOLDS}, {"release", EFFECT_FREES}, {"undo", EFFECT_FREES},
	    {"purge", EFFECT_DELETES}};

	for (size_t n = 0; verb && n < COUNT_OF(rows); n++)
		if (strcmp(verb, rows[n].verb) == 0)
			return rows[n].effect;
	return EFFECT_NONE;
}

static int by_number(const void *a, const void *b)
{
	const struct ledger_batch *x = a, *y = b;

	return (x->told.number > y->told.number) - (x->told.number < y->told.number);
}

struct ledger_batch *ledger_find(const struct ledger *ledger, uint64_t number)
{
	struct ledger_batch key = {.told.number = number};

	return ledger->count == 0
		   ? NULL
		   : bsearch(&key, ledger->list, ledger->count, sizeof(key), by_number);
}

static void drop_parts(struct ledger_batch *b, bool all)
{
	size_t kept = 0;

	for (size_t n = 0; n < b->parts.count; n++) {
		if (all || b->parts.list[n].doubt)
			free(b->parts.list[n].ids);
		else
			b->parts.list[kept++] = b->parts.list[n];
	}
	b->parts.count = kept;
}

static int read_undoes(struct ledger_batch *b, const struct json *line)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < json_count(line, "undoes"); n++) {
		int64_t number = json_int(json_at(line, "undoes", n), NULL, 0);

		if (number > 0)
			code = array_add(&b->undoes, (uint64_t)number);
	}
	return code;
}

static void release_batch(struct ledger_batch *b)
{
	drop_parts(b, true);
	free(b->parts.list);
	free(b->undoes.list);
	strbuf_release(&b->held);
	batch_release(&b->told);
}

/* Numbers ascend in the file. */
static int begin_batch(struct ledger *ledger, uint64_t number, const struct json *line)
{
	struct ledger_batch batch = {.told.number = number};

	if (ledger->count > 0 && ledger->list[ledger->count - 1].told.number >= number)
		return 0;
	int code = batch_read(&batch.told, line, true);
	batch.effect = effect_of(batch.told.verb);
	code = code ?: read_undoes(&batch, line);
	code = code ?: array_add(ledger, batch);
	if (code < 0)
		release_batch(&batch);
	return code;
}

/* A damaged text counts up to the damage. */
static int add_part(
    struct ledger_entries *e, struct ledger_batch *batch, const struct ledger_part *part)
{
	struct ledger_entry entry = {.batch = batch, .order = part->order, .doubt = part->doubt};
	const char *ids = part->ids;
	int code = 0;

	while (code == 0 && next_entry(&ids, &entry.message) == 1)
		code = array_add(e, entry);
	return code;
}

/* Works for both structs, because the message is the first member. */
static int by_message(const void *a, const void *b)
{
	const struct ledger_entry *x = a, *y = b;
	int order = account_entry_compare(&x->message, &y->message);

	return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int add_batch(struct ledger_entries *e, struct ledger_batch *b)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < b->parts.count; n++)
		code = add_part(e, b, &b->parts.list[n]);
	return code;
}

static bool has_message(const struct ledger_entries *e, const struct ledger_entry *message)
{
	return e->count > 0 &&
	       bsearch(message, e->list, e->count, sizeof(*e->list), account_entry_compare);
}

/* Keeps those of a part's messages that are in the list, or those that are not. */
static int keep_messages(struct ledger_part *part, const struct ledger_entries *list, bool listed)
{
	struct ledger_entries asked = {0};
	struct strbuf kept = {0};
	int code = add_part(&asked, NULL, part);

	for (size_t n = 0; n < asked.count; n++)
		if (has_message(list, &asked.list[n]) == listed)
			account_entry_put(&kept, &asked.list[n].message);
	free(asked.list);
	if (code == 0 && !kept.failed) {
		free(part->ids);
		part->ids = strdup(strbuf_text(&kept));
	}
	strbuf_release(&kept);
	return code < 0 || kept.failed || !part->ids ? -ENOMEM : 0;
}

/* A message that an undo released was held by the killed batch, although the queue no longer shows
 * it. What another batch acted on later was not deleted by a killed purge. */
static int settle_batch(struct ledger_batch *killed, struct ledger_batch *later, bool undone)
{
	struct ledger_entries acted_on = {0};
	int code = add_batch(&acted_on, later);

	array_sort(&acted_on, by_message);
	for (size_t n = 0; code == 0 && n < killed->parts.count; n++) {
		struct ledger_part *part = &killed->parts.list[n];

		if (!part->doubt)
			continue;
		code = keep_messages(part, &acted_on, undone);
		part->doubt = !undone;
	}
	free(acted_on.list);
	return code;
}

static int settle_purges(struct ledger *ledger, struct ledger_batch *later)
{
	int code = 0;

	if (later->parts.count == 0)
		return 0;
	for (struct ledger_batch *b = ledger->list; code == 0 && b < later; b++)
		if (b->effect == EFFECT_DELETES && !b->ended)
			code = settle_batch(b, later, false);
	return code;
}

static int end_batch(struct ledger *ledger, struct ledger_batch *batch, const struct json *line)
{
	int code = 0;

	batch->ended = true;
	batch->undone |= json_bool(line, "undone", false);
	batch->refused = json_bool(line, "refused", false);
	batch->interrupted = json_bool(line, "interrupted", false);
	for (size_t n = 0; code == 0 && n < json_count(line, "undid"); n++) {
		int64_t number = json_int(json_at(line, "undid", n), NULL, 0);
		struct ledger_batch *other = ledger_find(ledger, (uint64_t)number);

		if (!other)
			continue;
		other->undone = true;
		code = other->ended ? 0 : settle_batch(other, batch, true);
	}
	code = code ?: settle_purges(ledger, batch);
	drop_parts(batch, !ledger->all);
	return code < 0 ? code : batch_read(&batch->told, line, false);
}

/* What follows the number: ,"part":1} (then *ret_ids is NULL) or ,"part":1,"ids":"..."}. Without a
 * JSON parser, because these lines are many and long, and have no escapes. */
static bool parse_part(const char *at, uint32_t *ret_number, const char **ret_ids, size_t *ret_len)
{
	static const char head[] = ",\"part\":", ids[] = ",\"ids\":\"";
	uint64_t number;
	const char *end = str_starts(at, head) ? str_digits(at + strlen(head), &number) : NULL;

	*ret_ids = NULL;
	if (!end || number >= UINT32_MAX)
		return false;
	*ret_number = (uint32_t)number;
	if (strcmp(end, "}") == 0)
		return true;
	if (!str_starts(end, ids))
		return false;
	*ret_ids = end + strlen(ids);
	*ret_len = strcspn(*ret_ids, "\"");
	return strcmp(*ret_ids + *ret_len, "\"}") == 0;
}

static struct ledger_part *find_doubt(struct ledger_batch *batch, uint32_t number)
{
	for (size_t n = batch->parts.count; n > 0; n--)
		if (batch->parts.list[n - 1].number == number && batch->parts.list[n - 1].doubt)
			return &batch->parts.list[n - 1];
	return NULL;
}

static int take_part(struct ledger *ledger, struct ledger_batch *batch, uint32_t number, bool doubt,
    const char *ids, size_t len)
{
	struct ledger_part part = {.number = number, .order = ledger->order++, .doubt = doubt};
	struct ledger_part *before = doubt ? NULL : find_doubt(batch, number);

	if (before && !ids) {
		before->doubt = false;
		before->order = part.order;
		return 0;
	}
	part.ids = strndup(ids ? ids : "", ids ? len : 0);
	if (!part.ids)
		return -ENOMEM;
	if (before) {
		free(before->ids);
		*before = part;
		return 0;
	}
	int code = array_add(&batch->parts, part);
	if (code < 0)
		free(part.ids);
	return code;
}

static int visit_part(
    struct ledger *ledger, struct ledger_batch *batch, const struct account_line *line)
{
	const char *ids;
	size_t len = 0;
	uint32_t number;

	if (!parse_part(line->rest, &number, &ids, &len) || (line->kind == LINE_CHUNK && !ids))
		return 0;
	if (number > batch->last_part)
		batch->last_part = number;
	return take_part(ledger, batch, number, line->kind == LINE_CHUNK, ids, len);
}

static int visit(void *arg, const struct account_line *line)
{
	struct ledger *ledger = arg;
	struct ledger_batch *batch = ledger_find(ledger, line->number);
	AUTO(json_release) struct json *o = NULL;

	if (line->kind == LINE_KEPT) {
		ledger->written = line->number;
		return 0;
	}
	if (line->kind == LINE_SUMS) {
		sums_add_line(&ledger->dropped, line);
		return 0;
	}
	if (line->number > ledger->highest)
		ledger->highest = line->number;
	if (line->kind == LINE_CHUNK || line->kind == LINE_DONE)
		return batch && !batch->ended ? visit_part(ledger, batch, line) : 0;
	if (line->kind == LINE_FACTS || (line->kind != LINE_BEGIN && !batch))
		return 0;
	if (json_parse(line->text, line->len, &o, NULL) < 0)
		return 0;
	if (line->kind == LINE_BEGIN)
		return begin_batch(ledger, line->number, o);
	if (line->kind == LINE_END)
		return end_batch(ledger, batch, o);
	batch->adopted = json_int(o, "time", 0);
	return 0;
}

static enum account_state state_of(const struct ledger_batch *b)
{
	if (b->refused)
		return ACCOUNT_REFUSED;
	if (b->undone)
		return ACCOUNT_UNDONE;
	return b->ended && !b->interrupted ? ACCOUNT_DONE : ACCOUNT_UNFINISHED;
}

int ledger_read(const struct account_log *log, bool all, struct ledger *ret, struct err *err)
{
	*ret = (struct ledger){.all = all};
	int code = account_log_read(log, visit, ret, err);
	for (size_t n = 0; code == 0 && n < ret->count; n++) {
		struct ledger_batch *b = &ret->list[n];

		b->told.state = state_of(b);
		b->told.running = !b->ended && account_log_is_running(log, b->told.number);
	}
	return code;
}

void ledger_release(struct ledger *ledger)
{
	for (size_t n = 0; n < ledger->count; n++)
		release_batch(&ledger->list[n]);
	free(ledger->list);
	*ledger = (struct ledger){0};
}

int ledger_entries(const struct ledger *ledger, struct ledger_entries *ret)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < ledger->count; n++)
		if (ledger->list[n].effect != EFFECT_NONE)
			code = add_batch(ret, &ledger->list[n]);
	array_sort(ret, by_message);
	return code;
}

size_t ledger_message(
    const struct ledger_entries *e, size_t begin, const struct ledger_entry **ret_last)
{
	size_t at = begin;

	*ret_last = NULL;
	for (; at < e->count; at++) {
		const struct ledger_entry *entry = &e->list[at];

		if (account_entry_compare(&e->list[begin].message, &entry->message) != 0)
			break;
		if (!entry->doubt || entry->batch->effect == EFFECT_HOLDS)
			*ret_last = entry;
	}
	return at;
}

uint64_t ledger_doubt(struct ledger_batch *batch, struct strbuf *ret_doubt)
{
	struct ledger_entries e = {0};
	uint64_t done = 0;

	ret_doubt->failed |= add_batch(&e, batch) < 0;
	array_sort(&e, by_message);
	for (size_t begin = 0, end; begin < e.count; begin = end) {
		const struct ledger_entry *last;
		bool sure = false;

		end = ledger_message(&e, begin, &last);
		for (size_t n = begin; n < end; n++)
			sure |= !e.list[n].doubt;
		done += sure;
		if (!sure)
			account_entry_put(ret_doubt, &e.list[begin].message);
	}
	free(e.list);
	return done;
}
