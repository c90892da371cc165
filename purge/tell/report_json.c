/* SPDX-License-Identifier: ISC */
/* An outcome as JSON. Names and results are a contract. */
#include "base/json.h"
#include "purge/tell/report.h"
#include "purge/tell/wording.h"

/* Other items are only counted. */
static bool is_listed(const struct report *r, const struct item *item)
{
	switch (item->result) {
	case RESULT_READY:
		return r->dry_run;
	case RESULT_DONE:
	case RESULT_CHANGED:
	case RESULT_UNPROVEN:
	case RESULT_FAILED:
		return true;
	case RESULT_GONE:
		return r->ids_asked;
	default:
		return false;
	}
}

static void put_true(struct json *o, const char *key, bool value)
{
	if (value)
		json_put_bool(o, key, true);
}

static int item_line(FILE *to, const struct report *r, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	struct json *o = json_new();
	char command[512];

	json_put_text(o, "queue_id", m.queue_id.text);
	if (!item->unheard)
		wording_put_sender(o, &m);
	json_put_text(o, "result", result_word(item->result, r->action));
	put_true(o, "was_active",
	    item->was_active ||
		(item->result == RESULT_READY && item->proof.queue == QUEUE_ACTIVE));
	if (r->recipients_asked)
		json_put_int(o, "other_recipients", item->other_recipients);
	put_true(o, "from_queue", item->from_queue);
	put_true(o, "bounce", item->bounce);
	if (item->reason && *item->reason)
		json_put_text(o, "reason", item->reason);
	if (item->result == RESULT_UNPROVEN && action_rows[r->action].changes)
		json_put_text(o, "command", report_force(r, &m.queue_id, command, sizeof(command)));
	return json_line(to, o);
}

/* 0: nothing to keep an account of; null: it could not be kept. */
static void put_batch(struct json *o, const struct report *r)
{
	if (r->dry_run)
		return;
	if (r->outcome->tally.batch || r->outcome->accounted)
		json_put_int(o, "batch", (int64_t)r->outcome->tally.batch);
	else
		json_put_text(o, "batch", NULL);
}

static int summary_line(FILE *to, const struct report *r)
{
	struct json *o = json_new(), *line = json_new();
	struct count rows[COUNTS_MAX];
	size_t count = report_counts(r, rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].n || rows[i].always)
			json_put_int(o, rows[i].key, (int64_t)rows[i].n);
	if (r->outcome->trouble.text[0])
		json_put_text(o, "trouble", r->outcome->trouble.text);
	put_batch(o, r);
	json_put(line, "summary", o);
	return json_line(to, line);
}

int report_json(FILE *to, const struct report *r)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < r->outcome->count; i++)
		if (is_listed(r, &r->outcome->items[i]))
			code = item_line(to, r, &r->outcome->items[i]);
	return code < 0 ? code : summary_line(to, r);
}
