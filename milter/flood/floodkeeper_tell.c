/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/log.h"
#include "milter/flood/floodkeeper_private.h"

#define TELL_TIME (600 * USEC_PER_SEC) /* at most COUNT_OF(told) begins are logged in it */

static const char *window_words(uint8_t signal)
{
	return signal == FLOOD_COUNT_10M                                 ? "10 min"
	       : signal == FLOOD_COUNT_1D || signal == FLOOD_NETWORKS_1D ? "1 day"
									 : "1 h";
}

static const char *what_is_over(uint8_t signal)
{
	return signal == FLOOD_NETWORKS_1H || signal == FLOOD_NETWORKS_1D ? "networks "
	       : signal == FLOOD_SENDERS                                  ? "senders "
	       : signal == FLOOD_UNDELIVERED                              ? "undelivered "
									  : "";
}

static void put_numbers(struct strbuf *line, const struct flood_incident *i)
{
	strbuf_printf(line,
	    ": %llu recipients, %llu messages in %s, %slimit %u, usual %u; %u network%s, %u "
	    "sender%s, %u queued",
	    (unsigned long long)i->recipients, (unsigned long long)i->messages,
	    window_words(i->signal), what_is_over(i->signal), i->limit, i->usual, i->networks,
	    i->networks == 1 ? "" : "s", i->senders, i->senders == 1 ? "" : "s", i->undelivered);
}

static void put_rule(struct strbuf *line, const struct flood_incident *i)
{
	time_t at = (time_t)(i->expires / USEC_PER_SEC);
	char text[16] = "";
	struct tm tm;

	if (!i->expires)
		return;
	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), "%H:%M", &tm);
	strbuf_printf(line, "; %s until %s", flood_action_word(i), text);
}

static bool may_log_begin(struct floodkeeper *k, int64_t now)
{
	size_t oldest = 0;

	for (size_t n = 1; n < COUNT_OF(k->told); n++)
		if (k->told[n] < k->told[oldest])
			oldest = n;
	if (now - k->told[oldest] < TELL_TIME && k->told[oldest] > 0) {
		k->untold++;
		return false;
	}
	k->told[oldest] = now;
	return true;
}

void flood_tell(
    struct floodkeeper *k, enum flood_event event, const struct flood_incident *i, int64_t now)
{
	static const char *const words[] = {[FLOOD_BEGINS] = "begins",
	    [FLOOD_AGAIN] = "goes on",
	    [FLOOD_ACTS] = "passed the limit for an action",
	    [FLOOD_UPDATE] = "grows",
	    [FLOOD_ENDS] = "ends"};
	AUTO(strbuf_release) struct strbuf line = {0};
	char key[FLOOD_KEY_MAX + 1];

	if (event == FLOOD_ACTS && !i->expires)
		return;
	if (event == FLOOD_BEGINS && !may_log_begin(k, now))
		return;
	if (k->untold && event == FLOOD_BEGINS) {
		log_warning("and %u more floods; pqpurge-idx floods", k->untold);
		k->untold = 0;
	}
	strbuf_printf(&line, "flood %u %s: %s %s", i->id, words[event], flood_kind_word(i->kind),
	    str_scrub(key, sizeof(key), i->key));
	put_numbers(&line, i);
	put_rule(&line, i);
	strbuf_printf(&line, "; pqpurge-idx floods %u", i->id);
	log_warning("%s", strbuf_text(&line));
}

void flood_samples(const struct flood_incident *i, struct strbuf *to_clients, struct strbuf *to_ids)
{
	char text[NET_TEXT_SIZE];

	for (int n = 0; n < i->clients_count; n++) {
		net_text(&i->clients[n], text);
		strlist_push(to_clients, text, strlen(text));
	}
	for (int n = 0; n < i->ids_count; n++)
		strlist_push(to_ids, i->ids[n].text, strlen(i->ids[n].text));
}

struct json *flood_incident_json(const struct flood_incident *i, uint32_t rate)
{
	static const char *const marks[] = {"", "normal", "bad"};
	struct strbuf clients = {0}, ids = {0};
	struct json *o = json_new();

	json_put_int(o, "id", i->id);
	json_put_text(o, "kind", flood_kind_word(i->kind));
	json_put_text(o, "key", i->key);
	json_put_int(o, "since", i->since / USEC_PER_SEC);
	if (!i->open)
		json_put_int(o, "until", i->until / USEC_PER_SEC);
	json_put_int(o, "recipients", (int64_t)i->recipients);
	json_put_int(o, "messages", (int64_t)i->messages);
	json_put_int(o, "rate", rate);
	json_put_text(o, "signal", flood_signal_word(i->signal));
	json_put_text(o, "action", flood_action_word(i));
	json_put_int(o, "held", (int64_t)i->held);
	json_put_int(o, "window", i->window / USEC_PER_SEC);
	json_put_int(o, "last", i->last / USEC_PER_SEC);
	json_put_int(o, "limit", i->limit);
	json_put_int(o, "usual", i->usual);
	json_put_int(o, "networks", i->networks);
	json_put_int(o, "senders", i->senders);
	json_put_int(o, "undelivered", i->undelivered);
	if (i->expires)
		json_put_int(o, "expires", i->expires / USEC_PER_SEC);
	if (i->mark)
		json_put_text(o, "mark", marks[i->mark]);
	if (i->key_cut)
		json_put_bool(o, "key_cut", true);
	flood_samples(i, &clients, &ids);
	json_put_packed(o, "clients", &clients);
	json_put_packed(o, "queue_ids", &ids);
	return o;
}
