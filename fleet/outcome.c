/* SPDX-License-Identifier: ISC */
#include "fleet/outcome.h"

#include "base/json.h"

#define WORDS_MAX 2000u

bool outcome_has_lines(const char *verb)
{
	return str_has_word("list top why status", verb);
}

/* For len more bytes; NULL if all are full. */
static struct strbuf *part_for(struct outcome *o, size_t len)
{
	struct strbuf *last = o->part_count ? &o->parts[o->part_count - 1] : NULL;

	if (last && last->len + len + 2 <= OUTCOME_PART_MAX)
		return last;
	if (o->part_count == OUTCOME_PARTS_MAX || len + 2 > OUTCOME_PART_MAX)
		return NULL;
	last = &o->parts[o->part_count++];
	strbuf_putc(last, '[');
	return last;
}

static void keep_line(struct outcome *o)
{
	struct strbuf *part = part_for(o, o->line.len + 1);

	if (!part) {
		o->cut = true;
		return;
	}
	if (part->len > 1)
		strbuf_putc(part, ',');
	strbuf_add(part, o->line.text, o->line.len);
}

static void take_line(struct outcome *o)
{
	AUTO(json_release) struct json *line = NULL;

	if (o->line.len == 0 || o->line.len > OUTCOME_LINE_MAX ||
	    json_parse(o->line.text, o->line.len, &line, NULL) < 0) {
		o->cut |= o->line.len > OUTCOME_LINE_MAX;
		return;
	}
	if (json_child(line, "summary")) {
		strbuf_clear(&o->summary);
		if (json_member_text(line, "summary", &o->summary) < 0 ||
		    o->summary.len > OUTCOME_SUMMARY_MAX)
			strbuf_clear(&o->summary);
	} else if (o->keeps_lines) {
		keep_line(o);
	}
}

void outcome_says(struct outcome *o, const char *bytes, size_t len)
{
	for (size_t n = 0; n < len; n++) {
		if (bytes[n] == '\n') {
			take_line(o);
			strbuf_clear(&o->line);
		} else if (o->line.len <= OUTCOME_LINE_MAX) {
			strbuf_putc(&o->line, bytes[n]);
		}
	}
}

/* Keeps the last whole line in o->words. */
void outcome_complains(struct outcome *o, const char *bytes, size_t len)
{
	for (size_t n = 0; n < len; n++) {
		if (bytes[n] != '\n') {
			if (o->complaint.len < WORDS_MAX)
				strbuf_putc(&o->complaint, bytes[n]);
			continue;
		}
		if (o->complaint.len > 0) {
			strbuf_clear(&o->words);
			strbuf_add(&o->words, o->complaint.text, o->complaint.len);
		}
		strbuf_clear(&o->complaint);
	}
}

static const char *state_of(int code, const struct door_end *end)
{
	static const char *const states[] = {"done", "failed", "failed", "interrupted"};

	if (code < 0)
		return "failed";
	if (end->refused)
		return "refused";
	if (end->status == 2 && end->done > 0)
		return "partly";
	return end->status >= 0 && end->status <= 3 ? states[end->status] : "failed";
}

void outcome_end(struct outcome *o, int code, const struct door_end *end, const char *words)
{
	char clean[WORDS_MAX];

	take_line(o);
	strbuf_clear(&o->line);
	outcome_complains(o, "\n", 1);
	for (size_t n = 0; n < o->part_count; n++)
		strbuf_putc(&o->parts[n], ']');
	o->state = state_of(code, end);
	o->exit_status = code < 0 ? 2 : end->status;
	o->batch = code < 0 ? 0 : end->batch;
	words = code < 0 ? words : end->words;
	words = words && *words ? words : strbuf_text(&o->words);
	if (!*words && o->cut)
		words = "further lines are left out: the fleet does not keep so many";
	str_scrub(clean, sizeof(clean), words);
	strbuf_clear(&o->words);
	strbuf_puts(&o->words, clean);
}

void outcome_release(struct outcome *o)
{
	for (size_t n = 0; n < o->part_count; n++)
		strbuf_release(&o->parts[n]);
	strbuf_release(&o->summary);
	strbuf_release(&o->words);
	strbuf_release(&o->line);
	strbuf_release(&o->complaint);
	*o = (struct outcome){0};
}
