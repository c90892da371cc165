/* SPDX-License-Identifier: ISC */
/* An outcome as JSON: a line per message, then the summary. Names and results are a contract. */
#include "base/clock.h"
#include "base/json.h"
#include "purge/status/missing.h"
#include "purge/tell/scan_words.h"
#include "purge/tell/wording.h"

/* Whether an item has a line of its own. What nobody touched is only counted. */
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
	case RESULT_NONE:
	case RESULT_UNTOUCHED:
	case RESULT_EXCLUDED:
		break;
	}
	return false;
}

static int item_line(FILE *to, const struct report *r, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	struct strbuf sender = {0};
	struct json *o = json_new();

	wording_address(m.sender, &sender);
	json_put_text(o, "queue_id", m.queue_id.text);
	json_put_text(o, "sender", strbuf_text(&sender));
	strbuf_release(&sender);
	json_put_text(o, "result", result_word(item->result, r->action));
	if (item->was_active || (item->result == RESULT_READY && item->proof.queue == QUEUE_ACTIVE))
		json_put_bool(o, "was_active", true);
	if (r->recipients_asked)
		json_put_int(o, "other_recipients", item->other_recipients);
	scan_words_put(o, item);
	if (item->reason && *item->reason)
		json_put_text(o, "reason", item->reason);
	return json_line(to, o);
}

static int stranger_line(FILE *to, const struct report *r, const struct stranger *s)
{
	struct json *o = json_new();

	json_put_text(o, "queue_id", s->queue_id.text);
	json_put_text(o, "result", result_word(s->gone ? RESULT_GONE : RESULT_UNPROVEN, r->action));
	if (!s->gone)
		json_put_text(o, "reason", "not in the index");
	return json_line(to, o);
}

/* "deleted", or "would_delete": JSON keys have no hyphen. */
static void put_done(struct json *o, const struct report *r)
{
	char key[32];

	snprintf(key, sizeof(key), "%s",
	    result_word(r->dry_run ? RESULT_READY : RESULT_DONE, r->action));
	for (char *c = key; *c; c++)
		if (*c == '-')
			*c = '_';
	json_put_int(o, key, (int64_t)report_count(r, r->dry_run ? RESULT_READY : RESULT_DONE));
}

static void put_unindexed(struct json *o, const struct tally *t)
{
	if (!t->unindexed_known) {
		json_put_null(o, "unindexed");
		return;
	}
	json_put_int(o, "unindexed", (int64_t)t->unindexed);
	json_put_int(o, "unindexed_maildrop", (int64_t)t->unindexed_maildrop);
	json_put_int(o, "unindexed_arriving", (int64_t)t->unindexed_arriving);
	if (t->unindexed_as_of)
		json_put_int(o, "unindexed_as_of", t->unindexed_as_of / USEC_PER_SEC);
}

/* What is there only where it says something. */
static void put_rare(struct json *o, const struct report *r)
{
	const struct outcome *out = r->outcome;

	if (out->interrupted)
		json_put_int(o, "untouched", (int64_t)report_count(r, RESULT_UNTOUCHED));
	if (r->recipients_asked)
		json_put_int(o, "other_recipients", (int64_t)out->tally.other_recipients);
	if (r->bounces_asked)
		json_put_int(o, "bounces", (int64_t)out->tally.bounces);
	if (out->tally.scanned)
		json_put_int(o, "scanned", (int64_t)out->tally.scanned);
	if (report_idle(r))
		json_put_int(o, "idle", (int64_t)report_idle(r));
	if (r->foreign)
		json_put_int(o, "foreign", (int64_t)r->foreign);
	if (r->rules_set)
		json_put_int(o, "rules_set", r->rules_set);
	if (r->passes)
		json_put_int(o, "passes", r->passes);
	if (out->tally.damaged)
		json_put_int(o, "damaged", (int64_t)out->tally.damaged);
	if (out->trouble.text[0])
		json_put_text(o, "trouble", out->trouble.text);
}

/* The batch: its number; 0 where nothing was done that an account could be kept of; null where it
 * could not be kept. */
static void put_batch(struct json *o, const struct report *r)
{
	if (r->dry_run)
		return;
	if (r->outcome->tally.batch || r->outcome->accounted)
		json_put_int(o, "batch", (int64_t)r->outcome->tally.batch);
	else
		json_put_null(o, "batch");
}

static int summary_line(FILE *to, const struct report *r)
{
	struct json *o = json_new(), *line = json_new();
	const struct tally *t = &r->outcome->tally;

	json_put_int(o, "matched", (int64_t)report_matched(r));
	put_done(o, r);
	json_put_int(o, "gone", (int64_t)report_count(r, RESULT_GONE));
	json_put_int(o, "changed", (int64_t)report_count(r, RESULT_CHANGED));
	json_put_int(o, "unproven", (int64_t)report_count(r, RESULT_UNPROVEN));
	json_put_int(o, "failed", (int64_t)report_count(r, RESULT_FAILED));
	json_put_int(o, "by_envelope", (int64_t)t->by_envelope);
	json_put_int(o, "by_from_only", (int64_t)t->by_from_only);
	json_put_int(o, "bytes", (int64_t)t->bytes);
	put_unindexed(o, t);
	if (r->missing)
		missing_put(o, t, r->missing);
	put_rare(o, r);
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
	for (size_t i = 0; code == 0 && i < r->stranger_count; i++)
		code = stranger_line(to, r, &r->strangers[i]);
	return code < 0 ? code : summary_line(to, r);
}
