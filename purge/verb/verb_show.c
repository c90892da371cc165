/* SPDX-License-Identifier: ISC */
#include "purge/tell/field.h"
#include "purge/tell/say.h"
#include "purge/tell/wording.h"
#include "purge/walk.h"

struct shown {
	struct queue_id id;
	const struct item *item; /* NULL: no walk hands it out */
	bool unlooked;           /* --index-only */
	enum proof_state unread; /* without an item: what its name in the queue tells */
	struct message m;        /* of item */
	struct strbuf reasons;   /* recipient, reason, recipient, reason, ... */
};

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

/* Whether more than its ID is known. */
static bool is_known(const struct shown *w)
{
	return w->item && !w->item->unheard;
}

static const struct verdict *verdict_of(const struct shown *w)
{
	static const struct verdict unlooked[] = {
	    {"unknown", "not in the index; the queue was not asked"},
	    {"unknown", "in the index; the queue was not asked"},
	};

	if (w->unlooked)
		return &unlooked[is_known(w)];
	return &verdicts[w->item ? w->item->proof.state : w->unread];
}

static bool is_there(const struct shown *w)
{
	return w->item && w->item->proof.state != PROOF_GONE && w->item->proof.queue;
}

static struct json *reasons_array(const struct shown *w)
{
	struct strlist list = strlist_of(&w->reasons);
	struct json *array = json_new_array(), *one = NULL;

	strlist_each (text, &list) {
		if (!one) {
			one = json_new();
			json_put_text(one, "address", text);
			continue;
		}
		json_put_text(one, "delay_reason", text);
		json_append(array, one);
		one = NULL;
	}
	json_free(one);
	return array;
}

static const char *unless_empty(const char *text)
{
	return *text ? text : NULL;
}

static const char *client_text(const struct net_address *client, char buf[NET_TEXT_SIZE])
{
	return unless_empty(net_text(client, buf));
}

/* What list leaves out: how and when it came, and how the queue file differs. */
static void put_rest(struct json *o, const struct message *m)
{
	static const char *const origins[] = {
	    [ORIGIN_SMTPD] = "smtpd", [ORIGIN_SENDMAIL] = "sendmail", [ORIGIN_QUEUE] = "queue"};
	const struct queued *q = &m->queued;
	char queued[NET_TEXT_SIZE], logged[NET_TEXT_SIZE], first[NET_TEXT_SIZE];
	uint16_t port;
	const struct net_address *client = message_client(m, &port);
	const bool given = message_is_given(m);
	const struct field fields[] = {
	    /* left out if the client is that of the first pass */
	    {"client_port", NULL, FIELD_NUMBER,
		.n = port && message_outer_client(m) == client ? port : -1},
	    {"queued_client", NULL, FIELD_TEXT,
		.text = given && !net_equal(&m->client, &q->client)
			    ? client_text(&q->client, queued)
			    : NULL},
	    {"log_client", NULL, FIELD_TEXT,
		.text = net_equal(&q->client, &q->log_client)
			    ? NULL
			    : client_text(&q->log_client, logged)},
	    {"queued_login", NULL, FIELD_TEXT,
		.text = given && strcmp(m->login, q->login) != 0 ? unless_empty(q->login) : NULL},
	    {"first_client", NULL, FIELD_TEXT, .text = client_text(&m->first.client, first)},
	    {"first_login", NULL, FIELD_TEXT, .text = unless_empty(m->first.login)},
	    {"origin", NULL, FIELD_TEXT, .text = origins[m->origin]},
	    {"held_by_rule", NULL, FIELD_BOOL, .n = (m->flags & MESSAGE_HELD) != 0},
	    {"joined", NULL, FIELD_BOOL, .n = m->flags & MESSAGE_JOINED ? 1 : -1},
	    {"unjoined", NULL, FIELD_BOOL, .n = m->flags & MESSAGE_UNJOINED ? 1 : -1},
	    {"file_read", NULL, FIELD_BOOL, .n = q->known},
	    {"connect_time", NULL, FIELD_TIME, .n = m->connect_time},
	    {"mail_time", NULL, FIELD_TIME, .n = m->mail_time},
	    {"rcpt_time", NULL, FIELD_TIME, .n = m->rcpt_time},
	    {"end_time", NULL, FIELD_TIME, .n = m->end_time},
	};

	fields_put(o, fields, COUNT_OF(fields));
}

static struct json *sheet_of(const struct shown *w)
{
	struct json *o = json_new();

	json_put_text(o, "queue_id", w->id.text);
	json_put_text(o, "proof", verdict_of(w)->word);
	json_put_text(o, "proof_means", verdict_of(w)->sentence);
	json_put_bool(o, "in_index", is_known(w) && !w->item->from_queue);
	if (is_known(w)) {
		wording_put_place(o, w->item, &w->m);
		wording_put_message(o, &w->m);
		put_rest(o, &w->m);
	}
	json_put(o, "reasons", reasons_array(w));
	return o;
}

/* If there are several messages with this ID: the one in the queue, or else the newest. */
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

/* A walk hands out no message that is arriving or that it could not read. */
static int look_by_name(const struct walk *w, struct shown *shown, struct err *err)
{
	struct proof *proof = NULL;
	int code;

	if (is_known(shown) || shown->unlooked)
		return 0;
	code = spool_states(&w->s->postfix, &shown->id, 1, &proof, err);
	shown->item = NULL;
	if (proof && proof->state != PROOF_SAME)
		shown->unread = proof->state;
	else if (proof)
		shown->unread = proof->queue == QUEUE_MAILDROP ? PROOF_ARRIVING : PROOF_ERROR;
	free(proof);
	return code;
}

static int show_one(const struct walk *w, const struct queue_id *id, struct err *err)
{
	struct shown shown = {
	    .id = *id, .item = find_item(&w->outcome, id), .unlooked = w->order.index_only};
	int code = 0;

	if (shown.item)
		shown.m = candidate_message(shown.item->candidate);
	code = look_by_name(w, &shown, err);
	if (code >= 0 && is_there(&shown))
		code = spool_reasons(&w->s->postfix, id, &shown.reasons, err);
	if (code >= 0 && w->s->options.json) {
		code = session_written(json_line(stdout, sheet_of(&shown)), err);
	} else if (code >= 0) {
		AUTO(json_release) struct json *sheet = sheet_of(&shown);

		sheet_say(stdout, sheet);
		code = 0;
	}
	strbuf_release(&shown.reasons);
	return code;
}

static int put_all(struct walk *w, struct err *err)
{
	const struct selector *selector = &w->s->options.selector;
	int code = 0;

	for (size_t i = 0; code == 0 && i < selector->ids.count; i++) {
		if (i && !w->s->options.json)
			say(stdout, "\n");
		code = show_one(w, &selector->ids.list[i], err);
	}
	return code;
}

int verb_show(struct session *s, struct err *err)
{
	for (size_t i = 0; i < s->options.word_count; i++)
		if (options_add_id(&s->options, s->options.words[i], err) < 0)
			return ERR_USAGE;
	selector_seal(&s->options.selector);
	return walk_show(s, put_all, err);
}
