/* SPDX-License-Identifier: ISC */
/* Recipients, given and queued. */
#include "purge/tell/recipients.h"

#include "purge/tell/wording.h"

/* Somebody who waits in the queue, and the RCPT TO that it came from. */
struct waiting {
	const char *address, *original;
	bool told;
};

struct joining {
	const struct message *m;
	struct waiting *list; /* in the order of the queue file */
	size_t count, at;     /* at: behind what was told last */
	struct json *array;
};

static struct waiting *make_list(const struct queued *q)
{
	struct waiting *list = calloc(q->recipients.count + 1, sizeof(*list));
	const char *original = q->originals.count ? q->originals.first : NULL;
	size_t n = 0;

	if (!list)
		return NULL;
	strlist_each (address, &q->recipients) {
		list[n++] =
		    (struct waiting){address, original && *original ? original : address, false};
		if (original)
			original += strlen(original) + 1;
	}
	return list;
}

static void push_address(struct strbuf *packed, const char *normal)
{
	struct strbuf text = {0};

	wording_address(normal, &text);
	strlist_push(packed, strbuf_text(&text), text.len);
	strbuf_release(&text);
}

/* One object. queued: packed list; NULL: nothing to say of it. */
static void put_one(struct joining *j, const char *address, const struct strbuf *queued, bool added)
{
	struct json *o = json_new();
	struct strbuf one = {0};

	push_address(&one, address);
	json_put_text(o, "address", strbuf_text(&one));
	strbuf_release(&one);
	if (queued) {
		struct strlist list = strlist_of(queued);

		json_put_list(o, "queued_address", &list);
	}
	if (added)
		json_put_bool(o, "added", true);
	json_append(j->array, o);
}

/*
 * One RCPT TO with those who wait for it. Both come in one order, so the search goes on where the
 * last one ended, and who came of one RCPT TO lie side by side.
 */
static void put_given(struct joining *j, const char *given)
{
	bool cut = j->m->flags & MESSAGE_CUT_QUEUED_RECIPIENTS;
	const char *first = NULL;
	struct strbuf queued = {0};
	size_t found = 0, from = j->at;

	for (size_t seen = 0; seen < j->count; seen++) {
		size_t n = (from + seen) % j->count;
		struct waiting *w = &j->list[n];

		if (w->told || !str_equal_nocase(w->original, given)) {
			if (found)
				break;
			continue;
		}
		w->told = true;
		first = found++ ? first : w->address;
		push_address(&queued, w->address);
		j->at = n + 1;
	}
	if ((found == 1 && str_equal_nocase(first, given)) || (found == 0 && cut))
		put_one(j, given, NULL, false);
	else
		put_one(j, given, &queued, false);
	strbuf_release(&queued);
}

/* Who waits and was not told of: without a given half, or with a cut one, what it came from. */
static void put_rest(struct joining *j)
{
	bool whole = message_is_given(j->m) && !(j->m->flags & MESSAGE_CUT_RECIPIENTS);

	for (size_t n = 0; n < j->count; n++) {
		struct waiting *w = &j->list[n];

		if (w->told)
			continue;
		if (whole)
			put_one(j, w->address, NULL, true);
		else
			put_given(j, w->original);
	}
}

void recipients_put(struct json *o, const struct message *m)
{
	struct joining j = {.m = m, .array = json_new_array()};
	const struct queued *q = &m->queued;
	uint32_t count = message_is_given(m) ? m->recipient_count : q->recipient_count;

	j.list = q->known ? make_list(q) : NULL;
	j.count = j.list ? q->recipients.count : 0;
	strlist_each (given, &m->recipients) {
		if (j.list)
			put_given(&j, given);
		else
			put_one(&j, given, NULL, false);
	}
	put_rest(&j);
	json_put(o, "recipients", j.array);
	if (m->flags & (MESSAGE_CUT_RECIPIENTS | MESSAGE_CUT_QUEUED_RECIPIENTS))
		json_put_int(o, "recipient_count", count);
	free(j.list);
}
