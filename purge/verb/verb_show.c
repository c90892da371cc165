/* SPDX-License-Identifier: ISC */
/* pqpurge-idx show: all that is known of a message, from the index and from the queue. */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "purge/tell/say.h"
#include "purge/tell/wording.h"
#include "purge/walk.h"

/* One message, looked up. */
struct shown {
	struct queue_id id;
	const struct item *item; /* NULL: neither the queue nor the index has it */
	bool unlooked;           /* --index-only */
	struct message m;        /* of item */
	struct strbuf reasons;   /* recipient, reason, recipient, reason, ... */
};

static const char *const origin_words[] = {
    [ORIGIN_SMTPD] = "smtpd", [ORIGIN_SENDMAIL] = "sendmail", [ORIGIN_QUEUE] = "queue"};

/* ---- the verdict of the proof, in a word for programs and in a sentence for people */

static const struct verdict {
	const char *word, *sentence;
} verdicts[] = {
    [PROOF_GONE] = {"gone", "in no queue"},
    [PROOF_ARRIVING] = {"arriving", "still being received"},
    [PROOF_SAME] = {"same", "proven to be the recorded message"},
    [PROOF_CHANGED] = {"changed", "the ID now names another message"},
    [PROOF_UNPROVEN] = {"unproven", "perhaps the recorded message; not proven"},
    [PROOF_ERROR] = {"unreadable", "its queue file could not be read"},
};

static const struct verdict *verdict_of(const struct shown *w)
{
	static const struct verdict unlooked = {"unknown", "in the index; the queue was not asked"};

	if (w->unlooked && w->item && !w->item->unheard)
		return &unlooked;
	return &verdicts[w->item ? w->item->proof.state : PROOF_GONE];
}

static bool is_there(const struct shown *w)
{
	return w->item && w->item->proof.state != PROOF_GONE && w->item->proof.queue;
}

/* Whether anything but the ID is known. */
static bool is_known(const struct shown *w)
{
	return w->item && !w->item->unheard;
}

/* ---- for programs */

static struct json *reasons_array(const struct shown *w)
{
	struct strlist list = strlist_of(&w->reasons);
	struct json *array = json_new_array();
	const char *recipient = NULL;

	strlist_each (text, &list) {
		struct json *one;

		if (!recipient) {
			recipient = text;
			continue;
		}
		one = json_new();
		json_put_text(one, "address", recipient);
		json_put_text(one, "delay_reason", text);
		json_append(array, one);
		recipient = NULL;
	}
	return array;
}

static void json_record(struct json *o, const struct shown *w)
{
	const struct message *m = &w->m;
	const struct {
		const char *key;
		int64_t time;
	} times[] = {{"connect_time", m->connect_time}, {"mail_time", m->mail_time},
	    {"rcpt_time", m->rcpt_time}, {"end_time", m->end_time}};
	int64_t arrival =
	    w->item->proof.arrival_time > 0 ? w->item->proof.arrival_time : message_arrival(m);
	uint16_t port;
	const struct net_address *client = message_client(m, &port);

	if (arrival > 0)
		json_put_int(o, "arrival_time", arrival / USEC_PER_SEC);
	if (w->item->proof.size >= 0)
		json_put_int(o, "message_size", w->item->proof.size);
	wording_put_message(o, m);
	if (port && wording_client(m) == client) /* not where that tells of the first pass */
		json_put_int(o, "client_port", port);
	json_put_text(o, "origin", origin_words[m->origin]);
	json_put_bool(o, "held_by_rule", m->flags & MESSAGE_HELD);
	json_put_bool(o, "file_read", m->queued.known);
	for (size_t i = 0; i < COUNT_OF(times); i++)
		if (times[i].time)
			json_put_int(o, times[i].key, times[i].time);
}

static int put_json(const struct shown *w)
{
	struct json *o = json_new();

	json_put_text(o, "queue_id", w->id.text);
	json_put_text(o, "proof", verdict_of(w)->word);
	json_put_bool(o, "in_index", is_known(w) && !w->item->from_queue);
	if (is_there(w))
		json_put_text(o, "queue_name", queue_word(w->item->proof.queue));
	if (is_known(w))
		json_record(o, w);
	json_put(o, "reasons", reasons_array(w));
	return json_line(stdout, o);
}

/* ---- for people */

static void row(const char *name, const char *text)
{
	if (text && *text)
		say(stdout, "%-15s %s\n", name, text);
}

static void row_time(const char *name, int64_t time)
{
	char text[CLOCK_TEXT_SIZE];

	if (time > 0)
		say(stdout, "%-15s %s.%06" PRId64 "\n", name, clock_text(time, text, sizeof(text)),
		    time % USEC_PER_SEC);
}

static void row_addresses(const char *name, const struct strlist *list, uint32_t total)
{
	char address[600];

	strlist_each (item, list) {
		row(name, wording_address_text(item, address, sizeof(address)));
		name = "";
	}
	if (total > list->count)
		say(stdout, "%-15s %" PRIu32 " in all\n", "", total);
}

static void row_client(const char *name, const struct net_address *client, uint16_t port)
{
	char text[NET_TEXT_SIZE];

	net_text(client, text);
	if (*text && port)
		say(stdout, "%-15s %s port %u\n", name, text, port);
	else
		row(name, text);
}

static void text_given(const struct message *m)
{
	char address[600];

	row("recorded by", origin_words[m->origin]);
	row("sender", wording_address_text(m->sender, address, sizeof(address)));
	row_addresses("from", &m->from, m->from.count);
	row_addresses("recipients", &m->recipients, m->recipient_count);
	row_client("client", &m->client, m->client_port);
	row("login", m->login);
	row("message-id", m->message_id);
	row("subject", m->subject);
	if (m->flags & MESSAGE_HELD)
		row("", "held by a rule");
	row_time("connected", m->connect_time);
	row_time("MAIL FROM", m->mail_time);
	row_time("first RCPT TO", m->rcpt_time);
	row_time("end of message", m->end_time);
}

/* What the queue file says, as far as it is not what the milter saw. */
static void text_queued(const struct message *m)
{
	const struct queued *q = &m->queued;
	bool given = message_is_given(m);
	char address[600], uid[32];

	if (!given || strcmp(m->sender, q->sender) != 0)
		row("queued sender", wording_address_text(q->sender, address, sizeof(address)));
	if (!given || q->from.bytes != m->from.bytes ||
	    (q->from.bytes && memcmp(q->from.first, m->from.first, q->from.bytes) != 0))
		row_addresses("queued from", &q->from, q->from.count);
	row_addresses("waiting", &q->recipients, q->recipient_count);
	if (!given || !net_equal(&m->client, &q->client) || m->client_port != q->client_port)
		row_client("queued client", &q->client, q->client_port);
	if (!net_equal(&q->client, &q->log_client))
		row_client("origin", &q->log_client, 0);
	if (!given || strcmp(m->login, q->login) != 0)
		row("queued login", q->login);
	if (q->uid >= 0) {
		snprintf(uid, sizeof(uid), "uid %" PRId64, q->uid);
		row("submitted by", uid);
	}
}

static void text_first_pass(const struct message *m)
{
	const struct first_pass *first = &m->first;

	if (!(m->flags & (MESSAGE_JOINED | MESSAGE_UNJOINED)))
		return;
	row("first pass", *first->queue_id.text ? first->queue_id.text : "(no queue ID)");
	if (m->flags & MESSAGE_UNJOINED)
		row("", "its row is not known; this is from its Received header");
	row_client("first client", &first->client, 0);
	row("first login", first->login);
}

static void text_reasons(const struct shown *w)
{
	struct strlist list = strlist_of(&w->reasons);
	const char *recipient = NULL;

	strlist_each (text, &list) {
		if (recipient)
			say(stdout, "%-15s %s: %s\n", "deferred", recipient, text);
		recipient = recipient ? NULL : text;
	}
}

static int put_text(const struct shown *w)
{
	char size[32];

	row("queue ID", w->id.text);
	row("proof", verdict_of(w)->sentence);
	if (is_there(w))
		row("queue", queue_word(w->item->proof.queue));
	if (is_known(w)) {
		row_time("arrived", w->item->proof.arrival_time);
		if (w->item->proof.size >= 0)
			row("size",
			    str_size_text((uint64_t)w->item->proof.size, size, sizeof(size)));
		if (message_is_given(&w->m))
			text_given(&w->m);
		if (w->m.queued.known)
			text_queued(&w->m);
		text_first_pass(&w->m);
	}
	text_reasons(w);
	return 0;
}

/* ---- */

/* An ID can have had several messages: the one that lies in the queue, or else the newest. */
static const struct item *find_item(const struct outcome *outcome, const struct queue_id *id)
{
	const struct item *found = NULL;

	for (size_t i = 0; i < outcome->count; i++) {
		const struct item *item = &outcome->items[i];
		struct queue_id its = candidate_id(item->candidate);

		if (queue_id_equal(&its, id) && (!found || found->result != RESULT_READY))
			found = item;
	}
	return found;
}

static int show_one(const struct walk *w, const struct queue_id *id, struct err *err)
{
	const struct session *s = w->s;
	struct shown shown = {
	    .id = *id, .item = find_item(&w->outcome, id), .unlooked = w->order.index_only};
	int code = 0;

	if (shown.item)
		shown.m = candidate_message(shown.item->candidate);
	if (is_there(&shown))
		code = spool_reasons(&s->postfix, id, &shown.reasons, err);
	if (code == 0) {
		code = (s->options.json ? put_json : put_text)(&shown);
		if (code < 0)
			err_sys(err, -code, "failed to write");
	}
	strbuf_release(&shown.reasons);
	return code < 0 ? code : 0;
}

static int take_ids(struct session *s, struct err *err)
{
	struct selector *selector = &s->options.selector;

	selector->ids_given = true;
	for (size_t i = 0; i < s->options.word_count; i++) {
		const char *word = s->options.words[i];
		struct queue_id id;
		int code = queue_id_parse(word, strlen(word), &id);

		if (code < 0)
			return err_set(err, ERR_USAGE, "'%s' is no queue ID", word);
		code = selector_add_id(selector, &id);
		if (code < 0)
			return err_set(err, code, "%s", err_word(code));
	}
	selector_seal(selector);
	return 0;
}

int verb_show(struct session *s, struct err *err)
{
	const struct selector *selector = &s->options.selector;
	struct walk w = {0};
	int code = take_ids(s, err);

	if (code == 0)
		code = walk_look(&w, s, err);
	for (size_t i = 0; code == 0 && i < selector->id_count; i++) {
		if (i && !s->options.json)
			say(stdout, "\n");
		code = show_one(&w, &selector->ids[i], err);
	}
	if (code == 0)
		code = walk_end_look(&w);
	walk_release(&w);
	return code;
}
