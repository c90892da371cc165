/* SPDX-License-Identifier: ISC */
/* pqpurge-idx show: all that is known of a message, from the index and from the queue. */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "purge/session.h"
#include "purge/tell/wording.h"

/* One message, looked up. */
struct shown {
	struct queue_id id;
	const struct item *item; /* NULL: not in the index */
	struct proof state;      /* where the ID lies now, whoever it names */
	struct strbuf reasons;   /* recipient, reason, recipient, reason, ... */
};

static const char *const origin_words[] = {
    [ORIGIN_SMTPD] = "smtpd", [ORIGIN_SENDMAIL] = "sendmail", [ORIGIN_SCAN] = "scan"};

/* The verdict of the proof, in a word for programs and in a sentence for people. */
static const char *verdict_word(const struct shown *w)
{
	if (w->state.state == PROOF_GONE)
		return "gone";
	if (w->state.state == PROOF_ARRIVING)
		return "arriving";
	if (!w->item)
		return "unindexed";
	switch ((enum proof_state)w->item->proof.state) {
	case PROOF_GONE:
		return "gone";
	case PROOF_ARRIVING:
		return "arriving";
	case PROOF_SAME:
		return "same";
	case PROOF_CHANGED:
		return "changed";
	case PROOF_UNPROVEN:
		return "unproven";
	case PROOF_ERROR:
		break;
	}
	return "unreadable";
}

static const char *verdict_sentence(const char *word)
{
	static const struct {
		const char *word, *sentence;
	} rows[] = {
	    {"gone", "in no queue any more"},
	    {"arriving", "still being received"},
	    {"unindexed", "in the queue, not in the index"},
	    {"same", "proven to be the recorded message"},
	    {"changed", "the ID now names another message"},
	    {"unproven", "perhaps the recorded message; not proven"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strcmp(word, rows[i].word) == 0)
			return rows[i].sentence;
	return "its queue file could not be read";
}

/* In a queue and with a queue file's own data? Then these describe the recorded message, or
 * whatever has its name. */
static bool is_there(const struct shown *w)
{
	return w->state.state != PROOF_GONE;
}

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

static void put_times(struct json *o, const struct message *m)
{
	const struct {
		const char *key;
		int64_t time;
	} times[] = {{"connect_time", m->connect_time}, {"mail_time", m->mail_time},
	    {"rcpt_time", m->rcpt_time}, {"end_time", m->end_time}};

	for (size_t i = 0; i < COUNT_OF(times); i++)
		if (times[i].time)
			json_put_int(o, times[i].key, times[i].time);
}

static int put_json(const struct shown *w)
{
	struct json *o = json_new();

	json_put_text(o, "queue_id", w->id.text);
	json_put_text(o, "proof", verdict_word(w));
	json_put_bool(o, "in_index", w->item != NULL);
	if (is_there(w))
		json_put_text(o, "queue_name", queue_word(w->state.queue));
	if (w->item) {
		struct message m = candidate_message(w->item->candidate);

		if (w->item->proof.arrival_time >= 0)
			json_put_int(o, "arrival_time", w->item->proof.arrival_time / USEC_PER_SEC);
		if (w->item->proof.size >= 0)
			json_put_int(o, "message_size", w->item->proof.size);
		wording_put_message(o, &m);
		if (m.client_port)
			json_put_int(o, "client_port", m.client_port);
		json_put_text(o, "origin", origin_words[m.origin]);
		json_put_bool(o, "held_by_rule", m.flags & MESSAGE_HELD);
		put_times(o, &m);
	}
	json_put(o, "reasons", reasons_array(w));
	return json_line(stdout, o);
}

static void row(const char *name, const char *text)
{
	char clean[600];

	if (text && *text)
		printf("%-14s %s\n", name, str_scrub(clean, sizeof(clean), text));
}

static void row_time(const char *name, int64_t time)
{
	char text[CLOCK_TEXT_SIZE];

	if (time > 0)
		printf("%-14s %s.%06" PRId64 "\n", name, clock_text(time, text, sizeof(text)),
		    time % USEC_PER_SEC);
}

static void row_addresses(const char *name, const struct strlist *list)
{
	char address[600];

	strlist_each (item, list) {
		printf("%-14s %s\n", name, wording_address_text(item, address, sizeof(address)));
		name = "";
	}
}

static void put_record(const struct message *m)
{
	char address[600], client[NET_TEXT_SIZE];

	row("sender", wording_address_text(m->sender, address, sizeof(address)));
	row_addresses("from", &m->from);
	row_addresses("recipients", &m->recipients);
	if (m->flags & MESSAGE_CUT_RECIPIENTS)
		printf("%-14s of %" PRIu32 " recipients only these were recorded\n", "",
		    m->recipient_count);
	if (m->flags & (MESSAGE_CUT_FROM | MESSAGE_CUT_TEXT))
		printf("%-14s some of this was too long and was cut when it was recorded\n", "");
	net_text(&m->client, client);
	if (*client)
		printf("%-14s %s port %u\n", "client", client, m->client_port);
	row("login", m->login);
	row("message-id", m->message_id);
	row("subject", m->subject);
	row("recorded by", origin_words[m->origin]);
	if (m->flags & MESSAGE_HELD)
		row("", "held by a rule");
	row_time("connected", m->connect_time);
	row_time("MAIL FROM", m->mail_time);
	row_time("first RCPT TO", m->rcpt_time);
	row_time("end of message", m->end_time);
}

static void put_reasons(const struct shown *w)
{
	struct strlist list = strlist_of(&w->reasons);
	const char *recipient = NULL;
	char address[200], reason[600];

	strlist_each (text, &list) {
		if (!recipient) {
			recipient = text;
			continue;
		}
		printf("%-14s %s: %s\n", "deferred", str_scrub(address, sizeof(address), recipient),
		    str_scrub(reason, sizeof(reason), text));
		recipient = NULL;
	}
}

static void put_text(const struct shown *w)
{
	struct message m;
	char size[32];

	row("queue ID", w->id.text);
	row("proof", verdict_sentence(verdict_word(w)));
	if (is_there(w))
		row("queue", queue_word(w->state.queue));
	if (w->item) {
		row_time("arrived", w->item->proof.arrival_time);
		if (w->item->proof.size >= 0)
			row("size",
			    str_size_text((uint64_t)w->item->proof.size, size, sizeof(size)));
		m = candidate_message(w->item->candidate);
		put_record(&m);
	} else
		row("record", "none; the index does not know this ID");
	put_reasons(w);
}

static const struct item *find_item(const struct outcome *outcome, const struct queue_id *id)
{
	for (size_t i = 0; i < outcome->count; i++) {
		struct queue_id its = candidate_id(outcome->items[i].candidate);

		if (queue_id_equal(&its, id))
			return &outcome->items[i];
	}
	return NULL;
}

static int show_one(const struct session *s, const struct outcome *outcome,
    const struct queue_id *id, const struct proof *state, struct err *err)
{
	struct shown w = {.id = *id, .item = find_item(outcome, id), .state = *state};
	int code = 0;

	if (is_there(&w))
		code = spool_reasons(&s->postfix, id, &w.reasons, err);
	if (code == 0 && s->options.json) {
		code = put_json(&w);
		if (code < 0)
			err_sys(err, -code, "failed to write");
	} else if (code == 0)
		put_text(&w);
	strbuf_release(&w.reasons);
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
	struct order order = {.settings = &s->settings,
	    .postfix = &s->postfix,
	    .selector = selector,
	    .action = ACTION_LIST};
	struct outcome outcome = {0};
	struct proof *states = NULL;
	int code = take_ids(s, err);

	if (code == 0)
		code = order_select(&order, &outcome, err);
	if (code == 0)
		code = order_prove(&order, &outcome, err);
	if (code == 0)
		code = spool_states(&s->postfix, selector->ids, selector->id_count, &states, err);
	for (size_t i = 0; code == 0 && i < selector->id_count; i++) {
		if (i && !s->options.json)
			putchar('\n');
		code = show_one(s, &outcome, &selector->ids[i], &states[i], err);
	}
	free(states);
	outcome_release(&outcome);
	return code;
}
